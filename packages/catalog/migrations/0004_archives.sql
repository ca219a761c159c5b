CREATE TABLE `archive_members` (
	`database` text NOT NULL,
	`date` text NOT NULL,
	`week` text NOT NULL,
	`offset` integer NOT NULL,
	`bytes` integer NOT NULL,
	`digest` text NOT NULL,
	`raw_bytes` integer NOT NULL,
	`manifest_offset` integer NOT NULL,
	`manifest_bytes` integer NOT NULL,
	PRIMARY KEY(`database`, `date`),
	FOREIGN KEY (`week`) REFERENCES `archives`(`week`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `archive_members_week` ON `archive_members` (`week`,`date`);--> statement-breakpoint
CREATE TABLE `archive_pages` (
	`week` text NOT NULL,
	`number` integer NOT NULL,
	`date` text NOT NULL,
	`start` integer NOT NULL,
	`entries` integer NOT NULL,
	`digest` text NOT NULL,
	PRIMARY KEY(`week`, `number`),
	FOREIGN KEY (`week`) REFERENCES `archives`(`week`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `archive_parts` (
	`week` text NOT NULL,
	`number` integer NOT NULL,
	`etag` text NOT NULL,
	PRIMARY KEY(`week`, `number`),
	FOREIGN KEY (`week`) REFERENCES `archives`(`week`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `archives` (
	`week` text PRIMARY KEY NOT NULL,
	`job_id` text NOT NULL,
	`state` text DEFAULT 'planning' NOT NULL,
	`attempt` integer DEFAULT 1 NOT NULL,
	`date` text,
	`after` text,
	`sums_bytes` integer DEFAULT 0 NOT NULL,
	`pages` integer DEFAULT 0 NOT NULL,
	`bytes` integer DEFAULT 0 NOT NULL,
	`backups` integer DEFAULT 0 NOT NULL,
	`raw_bytes` integer DEFAULT 0 NOT NULL,
	`upload_id` text,
	`etag` text,
	`checked_pages` integer DEFAULT 0 NOT NULL,
	`damaged` text NOT NULL,
	`started_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`checked_at` integer
);
