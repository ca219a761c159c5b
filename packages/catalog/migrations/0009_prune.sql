CREATE TABLE `ticks` (
	`id` integer PRIMARY KEY NOT NULL,
	`last` integer NOT NULL,
	`since` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `archive_members` ADD `finished_at` integer;--> statement-breakpoint
ALTER TABLE `prune_plans` ADD `phase` text DEFAULT 'listing' NOT NULL;--> statement-breakpoint
ALTER TABLE `prune_plans` ADD `cursor` text;--> statement-breakpoint
ALTER TABLE `prune_plans` ADD `decided_at` integer;--> statement-breakpoint
ALTER TABLE `prune_plans` ADD `listed` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `prune_plans` ADD `foreign_objects` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `prune_plans` ADD `orphans` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `prune_plans` ADD `missing` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `prune_plans` ADD `adopted` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `prune_plans` ADD `aged` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `prune_plans` ADD `resends` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `prune_plans` ADD `error` text;--> statement-breakpoint
ALTER TABLE `prune_steps` ADD `database` text;--> statement-breakpoint
ALTER TABLE `prune_steps` ADD `etag` text;--> statement-breakpoint
UPDATE `archive_members` SET `finished_at` = (
	SELECT i.`created_at` / 1000 * 1000 FROM `backup_inventory` i
	WHERE i.`key` = 'daily/' || `archive_members`.`date` || '/' || `archive_members`.`database` || '.sql.gz'
		AND i.`digest` = `archive_members`.`digest`
);
