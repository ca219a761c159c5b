CREATE TABLE `daily_rollup` (
	`database` text NOT NULL,
	`day` text NOT NULL,
	`worst` text NOT NULL,
	`runs` integer NOT NULL,
	`good` integer NOT NULL,
	`bytes` integer,
	`ms` integer,
	PRIMARY KEY(`database`, `day`)
);
--> statement-breakpoint
INSERT INTO `daily_rollup` (`database`, `day`, `worst`, `runs`, `good`, `bytes`, `ms`)
SELECT r.`database`, j.`date`,
	CASE WHEN sum(r.`status` = 'failed') > 0 THEN 'failed' WHEN sum(r.`consistency` = 'fuzzy') > 0 THEN 'fuzzy' ELSE 'good' END,
	count(*), sum(r.`status` = 'succeeded'), max(r.`stored_bytes`), max(r.`duration_ms`)
FROM `backup_results` r JOIN `backup_jobs` j ON j.`id` = r.`job_id`
GROUP BY r.`database`, j.`date`;
