ALTER TABLE `archive_members` ADD `damaged_at` integer;--> statement-breakpoint
ALTER TABLE `verify_runs` ADD `scope` text DEFAULT 'due' NOT NULL;--> statement-breakpoint
ALTER TABLE `verify_runs` ADD `total` integer;--> statement-breakpoint
ALTER TABLE `verify_runs` ADD `unread` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `verify_runs` ADD `waiting` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `verify_runs` ADD `findings` text DEFAULT '[]' NOT NULL;