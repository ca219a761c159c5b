import { env } from "cloudflare:test";
import { DAY, dateOf } from "@patina/core/date";
import { beforeEach, expect, test } from "vitest";
import { ageOnce, optimize } from "./ageing.ts";
import type { Catalog } from "./catalog.ts";
import { emptyCatalog } from "./testing.ts";
import { seedHistory } from "./testing-history.ts";

const NOW = Date.parse("2026-11-20T04:00:00Z");

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
});

async function count(table: string, where = "true"): Promise<number> {
  const row = await env.CATALOG.prepare(`select count(*) as n from ${table} where ${where}`).first<{ n: number }>();
  return row?.n ?? 0;
}

function ago(days: number): number {
  return NOW - days * DAY;
}

/** Ages until nothing more goes; how many rows went. */
async function age(now = NOW): Promise<number> {
  let total = 0;
  for (let more = true; more; ) {
    const { rows, hasMore } = await ageOnce(catalog, now);
    total += rows;
    more = hasMore;
  }
  return total;
}

test("jobs with their tasks, results and events stay for 100 days, and as long as a backup of theirs is stored", async () => {
  await seedHistory(catalog, {
    names: ["shop", "blog"],
    nights: 110,
    now: NOW,
    of: (name) => (name === "shop" ? { end: "good", bytes: 9, ms: 9 } : { end: "failed", error: "no" }),
  });
  await age();
  // What is stored keeps its job and its result; the failures beside it go.
  expect(await count("backup_jobs")).toBe(110);
  expect(await count("backup_results", "database = 'shop'")).toBe(110);
  expect(await count("backup_results", "database = 'blog'")).toBe(100);
  expect(await count("backup_tasks")).toBe(210);
  expect(await count("task_events", `at < ${ago(100)}`)).toBe(0);
  expect(await count("daily_rollup")).toBe(220);

  await env.CATALOG.prepare("update backup_inventory set deleted_at = ? where date < ?")
    .bind(ago(20), dateOf(ago(50)))
    .run();
  await env.CATALOG.batch([
    env.CATALOG.prepare(
      "insert into archives (week, job_id, damaged, started_at, updated_at) values ('2026-W32', 'weekly', '[]', 0, 0)",
    ),
    env.CATALOG.prepare(
      `insert into archive_members (database, date, week, offset, bytes, digest, raw_bytes, manifest_offset, manifest_bytes)
       values ('shop', ?, '2026-W32', 0, 0, '', 0, 0, 0)`,
    ).bind(dateOf(ago(105))),
  ]);
  await age();
  // Only what an archive holds is older than 100 days now.
  expect(await count("backup_jobs")).toBe(101);
  expect(await count("backup_results", "database = 'shop'")).toBe(101);
  expect(await count("backup_inventory")).toBe(110);
  await age(NOW + 90 * DAY);
  expect(await count("backup_inventory", `date < '${dateOf(ago(50))}'`)).toBe(1);
});

const ROWS: [string, string, (days: number) => string][] = [
  ["alert_outbox", "an alert that was sent", (days) => `('a', 'c', 'k', 'sent', ${ago(days)})`],
  ["dead_letters", "a closed dead letter", (days) => `('l', 'q', '{}', 1, 0, 0, 'discarded', ${ago(days)})`],
  ["job_requests", "a request that was met", (days) => `('r', 'shop', 'why', ${ago(days)}, 'job')`],
  ["verify_runs", "a verification", (days) => `('v', 'done', ${ago(days)}, 0)`],
  ["audit_log", "a line of the audit log", (days) => `(${ago(days)}, 'me', 'a.b', 's')`],
  ["alert_events", "what people were told of", (days) => `('e', 'job-failed', '{}', ${ago(days)})`],
  ["prune_plans", "a prune", (days) => `('p', 'done', ${ago(days)}, 0)`],
  ["leases", "a lease", (days) => `('archive:x', 'h', ${ago(days)})`],
];

const COLUMNS: Readonly<Record<string, string>> = {
  alert_outbox: "event, channel, kind, state, created_at",
  dead_letters: "id, queue, body, attempts, sent_at, arrived_at, state, closed_at",
  job_requests: "id, database, reason, created_at, job_id",
  verify_runs: "id, state, started_at, updated_at",
  audit_log: "at, actor, action, subject",
  alert_events: "event, kind, facts, at",
  prune_plans: "id, state, started_at, updated_at",
  leases: "name, holder, expires_at",
};

const LASTS: Readonly<Record<string, number>> = { audit_log: 400, alert_events: 400, prune_plans: 400, leases: 1 };

test.each(ROWS)("%s: %s goes when it is too old, and not before", async (table, _, values) => {
  await env.CATALOG.exec("insert into alert_config (id, kind, events, created_at) values ('c', 'webhook', '[]', 0)");
  const lasts = LASTS[table] ?? 100;
  const insert = (days: number) => env.CATALOG.exec(`insert into ${table} (${COLUMNS[table]}) values ${values(days)}`);
  await insert(lasts - 0.1);
  expect(await age()).toBe(0);
  await env.CATALOG.exec(`delete from ${table}`);
  await insert(lasts + 0.1);
  expect(await age()).toBe(1);
  expect(await count(table)).toBe(0);
});

test("what is still open never goes: dead letters, requests, alerts to be sent, events with an alert", async () => {
  await env.CATALOG.exec("insert into alert_config (id, kind, events, created_at) values ('c', 'webhook', '[]', 0)");
  for (const statement of [
    "insert into dead_letters (id, queue, body, attempts, sent_at, arrived_at) values ('l', 'q', '{}', 1, 0, 0)",
    "insert into job_requests (id, database, reason, created_at) values ('r', 'shop', 'why', 0)",
    "insert into alert_events (event, kind, facts, at) values ('e', 'job-failed', '{}', 0)",
    "insert into alert_outbox (event, channel, kind, created_at) values ('e', 'c', 'job-failed', 0)",
    "insert into prune_plans (id, started_at, updated_at) values ('p', 0, 0)",
    "insert into backup_jobs (id, kind, trigger, date, scheduled_for, started_at) values ('j', 'manual', 'api', '2020-01-01', 0, 0)",
  ]) {
    await env.CATALOG.exec(statement);
  }
  expect(await age()).toBe(0);
});

test("the last drill of a database stays, and so do those of backups that are stored", async () => {
  const drill = (id: string, at: number, key: string) =>
    `insert into drills (id, database, cause, state, created_at, updated_at, key) values ('${id}', 'shop', 'first', 'done', ${at}, 0, '${key}')`;
  await env.CATALOG.exec(drill("old", ago(900), "gone"));
  await env.CATALOG.exec(drill("stored", ago(800), "there"));
  await env.CATALOG.exec(drill("last", ago(700), "gone"));
  await env.CATALOG.exec(
    `insert into backup_inventory (key, kind, database, date, job_id, size, digest, etag, created_at)
     values ('there', 'daily', 'shop', '2024-09-01', 'j', 1, 'd', 'e', 0)`.replaceAll("\n", " "),
  );
  expect(await age()).toBe(1);
  expect(await count("drills", "id in ('stored', 'last')")).toBe(2);
});

test("steps of prunes go before the prunes do", async () => {
  await env.CATALOG.exec(
    `insert into prune_plans (id, state, started_at, updated_at) values ('p', 'done', ${ago(101)}, 0)`,
  );
  await env.CATALOG.exec("insert into prune_steps (plan, key, action, reason) values ('p', 'k', 'remove', 'why')");
  expect(await age()).toBe(1);
  expect(await count("prune_plans")).toBe(1);
  expect(await count("prune_steps")).toBe(0);
});

test("many rows go some at a time", async () => {
  await env.CATALOG.prepare(
    `with recursive n(i) as (select 1 union all select i + 1 from n where i < 4500)
     insert into audit_log (at, actor, action, subject) select ?, 'me', 'a.b', i from n`,
  )
    .bind(ago(500))
    .run();
  const first = await ageOnce(catalog, NOW);
  expect(first).toMatchObject({ rows: 2_000, hasMore: true });
  expect(await age()).toBe(2_500);
});

test("SQLite's statistics can be brought up to date", async () => {
  await expect(optimize(catalog)).resolves.toBeUndefined();
});
