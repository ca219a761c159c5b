CREATE TABLE `catalog_rebuilds` (
	`id` text PRIMARY KEY NOT NULL,
	`state` text DEFAULT 'running' NOT NULL,
	`phase` text DEFAULT 'archives' NOT NULL,
	`after` text,
	`counts` text NOT NULL,
	`skipped` text NOT NULL,
	`error` text,
	`started_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`finished_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `catalog_rebuilds_running` ON `catalog_rebuilds` (`state`) WHERE state = 'running';--> statement-breakpoint
ALTER TABLE `backup_jobs` ADD `rebuilt_at` integer;