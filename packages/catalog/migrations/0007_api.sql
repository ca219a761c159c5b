CREATE TABLE `exporter_bindings` (
	`shard` integer PRIMARY KEY NOT NULL,
	`bindings` text NOT NULL,
	`published_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`principal` text NOT NULL,
	`key` text NOT NULL,
	`digest` text NOT NULL,
	`entropy` text NOT NULL,
	`claimed_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`status` integer,
	`body` text,
	`location` text,
	PRIMARY KEY(`principal`, `key`)
);
--> statement-breakpoint
CREATE INDEX `idempotency_keys_created` ON `idempotency_keys` (`created_at`);--> statement-breakpoint
ALTER TABLE `databases` ADD `owner` text DEFAULT 'registry' NOT NULL;--> statement-breakpoint
CREATE INDEX `backup_inventory_date` ON `backup_inventory` (`date`,`database`,`key`);