CREATE TABLE `custody_settings` (
	`id` integer PRIMARY KEY NOT NULL,
	`retention` text NOT NULL,
	`weekly_weeks` integer NOT NULL,
	`verify_bytes` integer NOT NULL,
	`drill_rows` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `drills` (
	`id` text PRIMARY KEY NOT NULL,
	`database` text NOT NULL,
	`date` text,
	`job_id` text,
	`key` text,
	`cause` text NOT NULL,
	`state` text DEFAULT 'queued' NOT NULL,
	`verdict` text,
	`reason` text,
	`checks` text,
	`rows` integer,
	`bytes` integer,
	`rows_written` integer DEFAULT 0 NOT NULL,
	`restore_ms` integer,
	`schema_digest` text,
	`created_at` integer NOT NULL,
	`started_at` integer,
	`updated_at` integer NOT NULL,
	`finished_at` integer
);
--> statement-breakpoint
CREATE INDEX `drills_database` ON `drills` (`database`,`created_at`);--> statement-breakpoint
CREATE INDEX `drills_created` ON `drills` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `drills_open` ON `drills` (`created_at`) WHERE state <> 'done';--> statement-breakpoint
CREATE TABLE `job_requests` (
	`id` text PRIMARY KEY NOT NULL,
	`database` text NOT NULL,
	`reason` text NOT NULL,
	`created_at` integer NOT NULL,
	`job_id` text
);
--> statement-breakpoint
CREATE INDEX `job_requests_open` ON `job_requests` (`created_at`) WHERE job_id is null;--> statement-breakpoint
CREATE TABLE `prune_plans` (
	`id` text PRIMARY KEY NOT NULL,
	`job_id` text,
	`state` text DEFAULT 'running' NOT NULL,
	`phase` text DEFAULT 'listing' NOT NULL,
	`cursor` text,
	`decided_at` integer,
	`doubt` text,
	`kept` integer DEFAULT 0 NOT NULL,
	`removing` integer DEFAULT 0 NOT NULL,
	`removed` integer DEFAULT 0 NOT NULL,
	`removed_bytes` integer DEFAULT 0 NOT NULL,
	`rescued` integer DEFAULT 0 NOT NULL,
	`listed` integer DEFAULT 0 NOT NULL,
	`foreign_objects` integer DEFAULT 0 NOT NULL,
	`orphans` integer DEFAULT 0 NOT NULL,
	`missing` integer DEFAULT 0 NOT NULL,
	`adopted` integer DEFAULT 0 NOT NULL,
	`aged` integer DEFAULT 0 NOT NULL,
	`resends` integer DEFAULT 0 NOT NULL,
	`error` text,
	`started_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`finished_at` integer
);
--> statement-breakpoint
CREATE INDEX `prune_plans_started` ON `prune_plans` (`started_at`);--> statement-breakpoint
CREATE TABLE `prune_steps` (
	`plan` text NOT NULL,
	`key` text NOT NULL,
	`action` text NOT NULL,
	`database` text,
	`etag` text,
	`reason` text NOT NULL,
	`size` integer DEFAULT 0 NOT NULL,
	`state` text DEFAULT 'planned' NOT NULL,
	`note` text,
	PRIMARY KEY(`plan`, `key`),
	FOREIGN KEY (`plan`) REFERENCES `prune_plans`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `prune_steps_open` ON `prune_steps` (`plan`) WHERE state = 'planned';--> statement-breakpoint
CREATE TABLE `ticks` (
	`id` integer PRIMARY KEY NOT NULL,
	`last` integer NOT NULL,
	`since` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `verify_runs` (
	`id` text PRIMARY KEY NOT NULL,
	`scope` text DEFAULT 'due' NOT NULL,
	`database` text,
	`date` text,
	`state` text DEFAULT 'running' NOT NULL,
	`after` text,
	`total` integer,
	`checked` integer DEFAULT 0 NOT NULL,
	`damaged` integer DEFAULT 0 NOT NULL,
	`unread` integer DEFAULT 0 NOT NULL,
	`bytes` integer DEFAULT 0 NOT NULL,
	`postponed` integer DEFAULT 0 NOT NULL,
	`waiting` text DEFAULT '[]' NOT NULL,
	`findings` text DEFAULT '[]' NOT NULL,
	`started_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`finished_at` integer
);
--> statement-breakpoint
CREATE INDEX `verify_runs_started` ON `verify_runs` (`started_at`);--> statement-breakpoint
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
ALTER TABLE `archive_members` ADD `finished_at` integer;--> statement-breakpoint
ALTER TABLE `archive_members` ADD `damaged_at` integer;--> statement-breakpoint
ALTER TABLE `backup_inventory` ADD `damaged_at` integer;--> statement-breakpoint
ALTER TABLE `backup_inventory` ADD `damage` text;--> statement-breakpoint
ALTER TABLE `backup_jobs` ADD `rebuilt_at` integer;--> statement-breakpoint
ALTER TABLE `backup_results` ADD `schema_digest` text;--> statement-breakpoint
ALTER TABLE `databases` ADD `retention` text;