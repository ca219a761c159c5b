ALTER TABLE `databases` ADD `redactions` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `databases` ADD `excluded_tables` text DEFAULT '[]' NOT NULL;