CREATE TABLE `alert_events` (
	`event` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`job_id` text,
	`database` text,
	`facts` text NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `alert_events_at` ON `alert_events` (`at`);--> statement-breakpoint
CREATE INDEX `alert_events_job` ON `alert_events` (`job_id`);--> statement-breakpoint
CREATE TABLE `alert_thresholds` (
	`id` integer PRIMARY KEY NOT NULL,
	`slow_minutes` integer NOT NULL,
	`deviation_percent` integer NOT NULL,
	`summary_hour` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `audit_log` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`action` text NOT NULL,
	`subject` text NOT NULL,
	`detail` text,
	`request` text
);
--> statement-breakpoint
CREATE INDEX `audit_log_at` ON `audit_log` (`at`);--> statement-breakpoint
CREATE INDEX `audit_log_subject` ON `audit_log` (`subject`,`id`);--> statement-breakpoint
ALTER TABLE `alert_config` ADD `host` text;--> statement-breakpoint
ALTER TABLE `alert_config` ADD `updated_at` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `alert_outbox` ADD `first_error` text;--> statement-breakpoint
ALTER TABLE `backup_jobs` ADD `replay_of` text;--> statement-breakpoint
ALTER TABLE `backup_jobs` ADD `healed_by` text;--> statement-breakpoint
ALTER TABLE `backup_jobs` ADD `healed_at` integer;--> statement-breakpoint
ALTER TABLE `backup_results` ADD `failures_before` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `backup_results` ADD `baseline_bytes` integer;--> statement-breakpoint
ALTER TABLE `backup_results` ADD `deviated` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `backup_results` ADD `healed_by` text;--> statement-breakpoint
ALTER TABLE `dead_letters` ADD `first_error_code` text;--> statement-breakpoint
ALTER TABLE `dead_letters` ADD `first_error` text;--> statement-breakpoint
ALTER TABLE `dead_letters` ADD `closed_at` integer;--> statement-breakpoint
ALTER TABLE `dead_letters` ADD `closed_by` text;--> statement-breakpoint
ALTER TABLE `dead_letters` ADD `reason` text;--> statement-breakpoint
ALTER TABLE `dead_letters` ADD `replay_job` text;--> statement-breakpoint
ALTER TABLE `dead_letters` ADD `replay_generation` integer;--> statement-breakpoint
ALTER TABLE `dead_letters` ADD `resent_at` integer;--> statement-breakpoint
CREATE INDEX `dead_letters_task` ON `dead_letters` (`job_id`,`database`);