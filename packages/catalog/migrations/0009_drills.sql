ALTER TABLE `backup_results` ADD `schema_digest` text;--> statement-breakpoint
ALTER TABLE `drills` ADD `started_at` integer;--> statement-breakpoint
CREATE INDEX `drills_created` ON `drills` (`created_at`,`id`);