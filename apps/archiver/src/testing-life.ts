import { env } from "cloudflare:test";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import type { Manifest } from "@patina/archive/manifest";
import { encodeReceipt, type Receipt, receiptKey } from "@patina/archive/receipt";
import type { Catalog } from "@patina/catalog/catalog";
import { registerDatabase } from "@patina/catalog/databases";
import { findRebuild, openRebuild, type Rebuild } from "@patina/catalog/rebuilds";
import { timestamp } from "@patina/core/date";
import { datesOf } from "@patina/core/week";
import { expect } from "vitest";
import { runUpkeep, type TestArchiver, testArchiver } from "./testing-archiver.ts";
import { runManual, runNight, runWeekly } from "./testing-nights.ts";

/** For tests inside workerd: what a catalog and its bucket live through before the catalog is lost. */

export const WEEK = "2026-W47";
export const [MONDAY = "", TUESDAY = "", WEDNESDAY = "", , FRIDAY = "", , SUNDAY = ""] = datesOf(WEEK);
export const NEXT_MONDAY = "2026-11-23";
export const MANUAL = "manual-20261120-154501-9f3a1c";
export const REBUILD = "rebuild-0f9e8d7c6b5a4938";
/** After the archives, which the tests make by the clock of this machine. */
const LATER = "2099-11-23T06:00:00.000Z";
export const TODAY = "2026-11-24";
export const AUDIT = {
  at: 0,
  actor: { name: "admin-token", request: null },
  action: "catalog.rebuild",
  subject: REBUILD,
};
export const REQUEST = { kind: "rebuild-catalog", version: 1, rebuild: REBUILD, snoozes: 0 };
const SHA = "ab".repeat(32);

export async function run(sql: string, ...values: (string | number)[]): Promise<void> {
  await env.CATALOG.prepare(sql)
    .bind(...values)
    .run();
}

/** Every table that a rebuild fills, without the columns that no object in the bucket says anything of. */
const REBUILT = {
  databases: ["enabled", "created_at", "updated_at", "blocked_reason"],
  backup_jobs: ["closed_by", "finished_at", "healed_at", "healed_by", "rebuilt_at"],
  backup_tasks: ["sent_at", "next_attempt_at", "finished_at"],
  backup_results: ["finished_at", "failures_before", "baseline_bytes", "deviated"],
  daily_rollup: [],
  backup_inventory: [],
  archives: ["updated_at"],
  archive_pages: [],
  archive_members: [],
  drills: [],
} as const;

export type Table = readonly Readonly<Record<string, unknown>>[];

export async function tableOf(name: string, without: readonly string[] = []): Promise<Table> {
  const { results } = await env.CATALOG.prepare(`select * from ${name}`).all<Record<string, unknown>>();
  const rows = results.map((row) => {
    const kept = Object.entries(row).filter(([column]) => !without.includes(column));
    // JSON is compared as what it says.
    return Object.fromEntries(
      kept.map(([column, value]) => [column, /^[[{]/.test(`${value}`) ? JSON.parse(`${value}`) : value]),
    );
  });
  return rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** What the catalog says in those columns that come back. */
export async function rebuiltState(): Promise<Record<string, Table>> {
  const state: Record<string, Table> = {};
  for (const [name, without] of Object.entries(REBUILT)) state[name] = await tableOf(name, without);
  return state;
}

/** Everything that the catalog says, except of rebuilds themselves. */
export async function wholeState(): Promise<Record<string, Table>> {
  const { results } = await env.CATALOG.prepare(
    "select name from sqlite_schema where type = 'table' and name not in ('catalog_rebuilds', 'audit_log', 'leases')",
  ).all<{ name: string }>();
  const state: Record<string, Table> = {};
  for (const { name } of results) if (!/^(sqlite|_cf|d1)_/.test(name)) state[name] = await tableOf(name);
  return state;
}

/** Rebuilds, from wherever the catalog is, and says what came of it. */
export async function makeRebuild(
  catalog: Catalog,
  archiver: Pick<TestArchiver, "handle" | "upkeep"> = testArchiver(),
): Promise<Rebuild> {
  await run("delete from catalog_rebuilds");
  await openRebuild(catalog, { id: REBUILD, audit: AUDIT });
  expect(await runUpkeep(archiver, REQUEST)).toEqual([]);
  const found = await findRebuild(catalog, REBUILD);
  if (found === undefined) throw new TypeError("Cannot find the rebuild");
  return found;
}

export async function registerTwo(catalog: Catalog): Promise<void> {
  const shop = { name: "shop", binding: "DB_THE_SHOP", priority: 0, description: "The shop", d1Id: "d1-shop" };
  await registerDatabase(catalog, { ...shop, environment: "production", estimatedBytes: 9_000 }, 0);
  await registerDatabase(catalog, { name: "blog", binding: "DB_BLOG", priority: 2, description: "" }, 0);
  const retention = JSON.stringify({ kind: "age", dailyDays: 14, manualDays: 90, maxBytes: null });
  await run("update databases set owner = 'api', certain = 1, shard = 1, retention = ? where name = 'shop'", retention);
  const { redactions, excludedTables } = RULES;
  const rules = [JSON.stringify(redactions), JSON.stringify(excludedTables)];
  await run("update databases set redactions = ?, excluded_tables = ? where name = 'blog'", ...rules);
}

export const RULES = {
  redactions: [{ table: "users", column: "email", as: "text" as const, text: "nobody" }],
  excludedTables: ["logs"],
  keyId: null,
};

export async function putReceipt(receipt: Receipt): Promise<void> {
  await env.BUCKET.put(receiptKey(receipt), encodeReceipt(receipt));
}

/** What manifests say of the rules of a database. */
export function rulesOf(database: string): Partial<Manifest> {
  return database === "blog" ? { rules: RULES } : {};
}

/** A verification of some objects, in the bucket and in the catalog. */
async function verifyObjects(id: string, { at, keys, damage }: { at: string; keys: string[]; damage: string | null }) {
  const rows = await Promise.all(keys.map(async (key) => ({ key, object: await env.BUCKET.head(key) })));
  const backups = rows.map(({ key, object }) => ({ key, etag: object?.etag ?? "", bytes: object?.size ?? 0, damage }));
  await putReceipt({ patina: "verify-receipt", format: 1, id, at, backups });
  const time = Date.parse(at);
  for (const key of keys) {
    if (damage === null) await run("update backup_inventory set verified_at = ? where key = ?", time, key);
    else await run("update backup_inventory set damaged_at = ?, damage = ? where key = ?", time, damage, key);
  }
}

async function drillOf(id: string, { at, key }: { at: string; key: string }): Promise<void> {
  const askedAt = timestamp(Date.parse(at) - 9_000);
  const etag = (await env.BUCKET.head(key))?.etag ?? "";
  const checks = [{ name: "rows" as const, end: "flawed" as const, findings: ['Table "t" breaks its own rules'] }];
  const facts = { id, database: "shop", date: FRIDAY, cause: "monthly", verdict: "flawed", checks } as const;
  const counts = { rows: 2, bytes: 300, restoreMs: 1_200, rowsWritten: 5, schemaDigest: SHA };
  await putReceipt({
    patina: "drill-receipt",
    format: 1,
    at,
    job: `nightly-${FRIDAY}`,
    backup: { key, etag },
    askedAt,
    ...facts,
    ...counts,
  });
  const ended = Date.parse(at);
  await run(
    `insert into drills (id, database, date, job_id, key, cause, state, verdict, reason, checks, rows, bytes,
       rows_written, restore_ms, schema_digest, created_at, updated_at, finished_at)
     values (?, 'shop', ?, ?, ?, 'monthly', 'done', 'flawed', ?, ?, 2, 300, 5, 1200, ?, ?, ?, ?)`,
    ...[id, FRIDAY, `nightly-${FRIDAY}`, key, checks[0]?.findings[0] ?? "", JSON.stringify(checks), SHA],
    ...[ended - 9_000, ended, ended],
  );
  await run("update backup_inventory set drilled_at = ? where key = ?", ended, key);
}

/**
 * Two databases over eight nights, the first seven of which are archived and the first three pruned since; a manual job;
 * a fuzzy backup; verifications, one of which found damage; a drill.
 */
export async function liveThrough(catalog: Catalog): Promise<void> {
  await registerTwo(catalog);
  const names = ["shop", "blog"];
  for (const date of datesOf(WEEK)) {
    const rowsOf = (database: string) => [`${database} on ${date}`, "x".repeat(700)];
    await runNight(catalog, { date, names, rowsOf, change: rulesOf });
  }
  const at = Date.parse(`${FRIDAY}T15:45:01Z`);
  await runManual(catalog, { job: MANUAL, date: FRIDAY, at, names: ["shop"], rowsOf: () => ["one", "two", "three"] });
  await runWeekly(catalog, { week: WEEK, sunday: SUNDAY });
  for (const date of [MONDAY, TUESDAY, WEDNESDAY]) for (const database of names) await prune(date, database);
  await runNight(catalog, {
    date: NEXT_MONDAY,
    names,
    rowsOf: (database) => [database],
    change: (database) => ({ ...rulesOf(database), ...(database === "blog" ? { consistency: "fuzzy" } : {}) }),
  });
  const later = `daily/${NEXT_MONDAY}`;
  await verifyObjects("verify-1", { at: `${NEXT_MONDAY}T06:00:00.000Z`, keys: [`${later}/shop.sql.gz`], damage: null });
  await verifyObjects("verify-2", {
    at: `${NEXT_MONDAY}T06:00:01.000Z`,
    keys: [`${later}/blog.sql.gz`],
    damage: "Its digest is not the one that its manifest states",
  });
  await drillOf("drill-1", { at: "2026-11-24T05:00:00.000Z", key: `daily/${FRIDAY}/shop.sql.gz` });
}

/** As a prune leaves it: neither the objects nor their row. */
export async function prune(date: string, database: string): Promise<void> {
  const keys = keysOf(date, database);
  await env.BUCKET.delete(keys);
  await run("delete from backup_inventory where key = ?", keys[0] ?? "");
}

/** The dump and the manifest of a daily backup. */
export function keysOf(date: string, database: string): string[] {
  const ref = { kind: "daily", date, database } as const;
  return [dumpKey(ref), manifestKey(ref)];
}

export async function textOf(key: string): Promise<string> {
  return (await (await env.BUCKET.get(key))?.text()) ?? "";
}

/** As little as there may be of everything, for tests that go through it call by call. */
export async function liveLittle(catalog: Catalog): Promise<void> {
  await registerTwo(catalog);
  await runNight(catalog, { date: MONDAY, names: ["shop", "blog"], rowsOf: (name) => [name], change: rulesOf });
  await runWeekly(catalog, { week: WEEK, sunday: SUNDAY });
  await prune(MONDAY, "blog");
  await verifyObjects("verify-1", {
    at: LATER,
    keys: keysOf(MONDAY, "shop").slice(0, 1),
    damage: null,
  });
}
