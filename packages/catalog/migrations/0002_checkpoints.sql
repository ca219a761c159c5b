CREATE TABLE `open_uploads` (
	`upload_id` text PRIMARY KEY NOT NULL,
	`key` text NOT NULL,
	`started_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `open_uploads_key` ON `open_uploads` (`key`);--> statement-breakpoint
ALTER TABLE `backup_tasks` ADD `checkpoint` text;--> statement-breakpoint
ALTER TABLE `databases` ADD `certain` integer DEFAULT false NOT NULL;