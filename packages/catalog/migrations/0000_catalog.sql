CREATE TABLE `alert_config` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`enabled` integer DEFAULT true NOT NULL,
	`events` text NOT NULL,
	`secret` text,
	`url_ciphertext` blob,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `alert_outbox` (
	`event` text NOT NULL,
	`channel` text NOT NULL,
	`kind` text NOT NULL,
	`job_id` text,
	`database` text,
	`state` text DEFAULT 'pending' NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`lease_expires_at` integer,
	`next_attempt_at` integer,
	`created_at` integer NOT NULL,
	`sent_at` integer,
	`error` text,
	FOREIGN KEY (`channel`) REFERENCES `alert_config`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `alert_outbox_event_channel` ON `alert_outbox` (`event`,`channel`);--> statement-breakpoint
CREATE INDEX `alert_outbox_state` ON `alert_outbox` (`state`,`next_attempt_at`);--> statement-breakpoint
CREATE TABLE `backup_inventory` (
	`key` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`database` text,
	`date` text NOT NULL,
	`job_id` text NOT NULL,
	`size` integer NOT NULL,
	`digest` text NOT NULL,
	`etag` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`deleted_at` integer,
	`verified_at` integer,
	`drilled_at` integer
);
--> statement-breakpoint
CREATE INDEX `backup_inventory_database` ON `backup_inventory` (`database`,`date`);--> statement-breakpoint
CREATE TABLE `backup_jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`trigger` text NOT NULL,
	`reason` text,
	`date` text NOT NULL,
	`scheduled_for` integer NOT NULL,
	`status` text DEFAULT 'running' NOT NULL,
	`databases` integer DEFAULT 0 NOT NULL,
	`succeeded` integer DEFAULT 0 NOT NULL,
	`failed` integer DEFAULT 0 NOT NULL,
	`rows` integer DEFAULT 0 NOT NULL,
	`raw_bytes` integer DEFAULT 0 NOT NULL,
	`stored_bytes` integer DEFAULT 0 NOT NULL,
	`started_at` integer NOT NULL,
	`finished_at` integer,
	`closed_by` text,
	`error` text
);
--> statement-breakpoint
CREATE INDEX `backup_jobs_status` ON `backup_jobs` (`status`,`started_at`);--> statement-breakpoint
CREATE INDEX `backup_jobs_started` ON `backup_jobs` (`started_at`);--> statement-breakpoint
CREATE TABLE `backup_results` (
	`job_id` text NOT NULL,
	`database` text NOT NULL,
	`generation` integer NOT NULL,
	`status` text NOT NULL,
	`key` text,
	`manifest_key` text,
	`consistency` text,
	`tables` integer,
	`rows` integer,
	`raw_bytes` integer,
	`stored_bytes` integer,
	`duration_ms` integer,
	`queries` integer,
	`rows_read` integer,
	`body_digest` text,
	`stored_digest` text,
	`warnings` text,
	`error_code` text,
	`error` text,
	`finished_at` integer NOT NULL,
	PRIMARY KEY(`job_id`, `database`),
	FOREIGN KEY (`job_id`) REFERENCES `backup_jobs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `backup_results_database` ON `backup_results` (`database`,`finished_at`);--> statement-breakpoint
CREATE TABLE `backup_tasks` (
	`job_id` text NOT NULL,
	`database` text NOT NULL,
	`priority` integer NOT NULL,
	`state` text DEFAULT 'queued' NOT NULL,
	`generation` integer DEFAULT 1 NOT NULL,
	`attempt` integer DEFAULT 0 NOT NULL,
	`lease_holder` text,
	`lease_expires_at` integer,
	`next_attempt_at` integer,
	`sent_at` integer,
	`resends` integer DEFAULT 0 NOT NULL,
	`started_at` integer,
	`finished_at` integer,
	`error_code` text,
	`error` text,
	PRIMARY KEY(`job_id`, `database`),
	FOREIGN KEY (`job_id`) REFERENCES `backup_jobs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `backup_tasks_active` ON `backup_tasks` (`database`) WHERE state in ('queued', 'running');--> statement-breakpoint
CREATE INDEX `backup_tasks_state` ON `backup_tasks` (`state`,`job_id`);--> statement-breakpoint
CREATE TABLE `databases` (
	`name` text PRIMARY KEY NOT NULL,
	`environment` text DEFAULT 'production' NOT NULL,
	`d1_id` text,
	`binding` text NOT NULL,
	`shard` integer DEFAULT 0 NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	`priority` integer DEFAULT 2 NOT NULL,
	`estimated_bytes` integer,
	`enabled` integer DEFAULT true NOT NULL,
	`blocked_reason` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `dead_letters` (
	`id` text PRIMARY KEY NOT NULL,
	`queue` text NOT NULL,
	`body` text NOT NULL,
	`job_id` text,
	`database` text,
	`generation` integer,
	`attempts` integer NOT NULL,
	`error_code` text,
	`error` text,
	`sent_at` integer NOT NULL,
	`arrived_at` integer NOT NULL,
	`state` text DEFAULT 'open' NOT NULL
);
--> statement-breakpoint
CREATE INDEX `dead_letters_state` ON `dead_letters` (`state`,`arrived_at`);--> statement-breakpoint
CREATE TABLE `leases` (
	`name` text PRIMARY KEY NOT NULL,
	`holder` text NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `task_events` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`job_id` text NOT NULL,
	`database` text NOT NULL,
	`generation` integer NOT NULL,
	`event` text NOT NULL,
	`attempt` integer DEFAULT 0 NOT NULL,
	`at` integer NOT NULL,
	`error_code` text,
	`error` text
);
--> statement-breakpoint
CREATE INDEX `task_events_task` ON `task_events` (`job_id`,`database`,`id`);