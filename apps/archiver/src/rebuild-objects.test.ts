import { env } from "cloudflare:test";
import { archiveKey } from "@patina/archive/keys";
import type { Receipt } from "@patina/archive/receipt";
import type { Catalog } from "@patina/catalog/catalog";
import { listDatabases } from "@patina/catalog/databases";
import { emptyCatalog } from "@patina/catalog/testing";
import { datesOf } from "@patina/core/week";
import { beforeEach, expect, test } from "vitest";
import { emptyBucket, storeBackup } from "./testing.ts";
import {
  FRIDAY,
  liveThrough,
  MANUAL,
  MONDAY,
  makeRebuild,
  NEXT_MONDAY,
  putReceipt,
  RULES,
  rebuiltState,
  registerTwo,
  rulesOf,
  run,
  SUNDAY,
  TUESDAY,
  tableOf,
  textOf,
  WEEK,
} from "./testing-life.ts";
import { runNight, runWeekly } from "./testing-nights.ts";

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
});

test("objects that nothing can be made of are named and passed over", async () => {
  await liveThrough(catalog);
  const [thursday = ""] = datesOf(WEEK).slice(3);
  const saturday = "2026-11-21";
  await env.BUCKET.put(`daily/${thursday}/shop.manifest.json`, "{");
  await env.BUCKET.delete(`daily/${thursday}/blog.manifest.json`);
  await env.BUCKET.delete(`daily/${saturday}/shop.sql.gz`);
  await env.BUCKET.put(`daily/${saturday}/blog.sql.gz`, "another object");
  await env.BUCKET.put(
    `manual/${FRIDAY}/${MANUAL}/blog.manifest.json`,
    await textOf(`daily/${NEXT_MONDAY}/shop.manifest.json`),
  );
  await env.BUCKET.put(`manual/${FRIDAY}/${MANUAL}/blog.sql.gz`, "an object of its own");
  await env.BUCKET.put("receipts/2026-11-20/verify-9.json", "{}");
  await env.BUCKET.put("daily/2026-11-20/notes.txt", "somebody else's");
  await env.BUCKET.delete(archiveKey({ is: "page", week: WEEK, number: 0 }));
  await env.BUCKET.put("weekly/2026-W46.tar.gz", "an archive whose manifest is gone");
  await env.BUCKET.put("weekly/2026-W45.manifest.json", "[]");
  catalog = await emptyCatalog();
  const { state, counts, skipped } = await makeRebuild(catalog);
  expect(state).toBe("done");
  expect(skipped).toEqual([
    { key: "weekly/2026-W45.manifest.json", reason: "it cannot be read" },
    { key: "weekly/2026-W46.tar.gz", reason: "it has no manifest" },
    { key: "weekly/2026-W47.index-0000.json", reason: "it is missing" },
    { key: `daily/${thursday}/blog.sql.gz`, reason: "it has no manifest" },
    { key: `daily/${thursday}/shop.sql.gz`, reason: "its manifest cannot be read" },
    { key: `daily/${saturday}/blog.sql.gz`, reason: "its object is not the one that its manifest names" },
    { key: `daily/${saturday}/shop.sql.gz`, reason: "its object is missing" },
    { key: `manual/${FRIDAY}/${MANUAL}/blog.sql.gz`, reason: "its object is not the one that its manifest names" },
    { key: "receipts/2026-11-20/verify-9.json", reason: "it cannot be read" },
  ]);
  expect(counts).toMatchObject({ skipped: 9, addedBackups: 7, addedArchived: 12 });
  const known = await tableOf("backup_inventory");
  expect(known.map((row) => row["key"])).not.toContain(`daily/${thursday}/shop.sql.gz`);
});

test("manifests of before they said what the catalog says are enough: jobs by their ids, and rules that still redact", async () => {
  const old = { rules: { ...RULES, redactions: [{ table: "users", column: "email", as: "text" as const }] } };
  await storeBackup({ kind: "daily", date: FRIDAY, database: "the-blog" }, { rows: ["a"], change: old });
  await storeBackup({ kind: "manual", date: FRIDAY, job: MANUAL, database: "shop" }, { rows: ["b"] });
  await makeRebuild(catalog);
  const { results: jobs } = await env.CATALOG.prepare(
    "select id, kind, trigger, status, databases, succeeded, failed, scheduled_for as at from backup_jobs order by id",
  ).all();
  expect(jobs).toEqual([
    {
      ...{ id: MANUAL, kind: "manual", trigger: "api", status: "completed", databases: 1, succeeded: 1, failed: 0 },
      at: Date.parse(`${FRIDAY}T15:45:01Z`),
    },
    {
      ...{ id: `nightly-${FRIDAY}`, kind: "nightly", trigger: "cron", status: "completed", databases: 1, succeeded: 1 },
      ...{ failed: 0, at: Date.parse(`${FRIDAY}T03:00:00Z`) },
    },
  ]);
  const registered = await listDatabases(catalog);
  expect(registered).toMatchObject([
    { name: "shop", binding: "DB_SHOP", enabled: true, redactions: [], owner: "registry" },
    {
      ...{ name: "the-blog", binding: "DB_THE_BLOG", enabled: true, excludedTables: ["logs"] },
      redactions: [{ table: "users", column: "email", as: "text", text: "redacted" }],
    },
  ]);
});

/** A receipt of a drill that found some object in some state. */
function drilled(id: string, at: string, change: Partial<Extract<Receipt, { patina: "drill-receipt" }>>): Receipt {
  return {
    ...{ patina: "drill-receipt", format: 1, id, at, database: "shop", date: MONDAY, job: `nightly-${MONDAY}` },
    ...{ backup: { key: "", etag: "" }, cause: "asked", verdict: "passed", schemaDigest: null },
    checks: [{ name: "object", end: "passed", findings: [] }],
    ...{ rows: 1, bytes: 100, restoreMs: 5, rowsWritten: 2 },
    ...change,
  };
}

test("receipts are taken as what they were: the first damage, the last proof before it, and of the object that is meant", async () => {
  await registerTwo(catalog);
  for (const date of [MONDAY, TUESDAY]) {
    await runNight(catalog, { date, names: ["shop", "blog"], rowsOf: (name) => [name, date], change: rulesOf });
  }
  await runWeekly(catalog, { week: WEEK, sunday: SUNDAY });
  const archive = archiveKey({ is: "archive", week: WEEK });
  const weekly = { key: archive, etag: (await env.BUCKET.head(archive))?.etag ?? "" };
  const shop = (date: string) => `daily/${date}/shop.sql.gz`;
  const seen = async (key: string) => ({ key, etag: (await env.BUCKET.head(key))?.etag ?? "" });
  const at = (day: number) => `2099-01-0${day}T00:00:00.000Z`;
  const verified = async (day: number, key: string, damage: string | null) => {
    const backups = [{ ...(await seen(key)), bytes: 1, damage }];
    await putReceipt({ patina: "verify-receipt", format: 1, id: `verify-${day}`, at: at(day), backups });
  };
  await verified(1, shop(TUESDAY), null);
  await verified(2, shop(TUESDAY), "It is short");
  await verified(3, shop(TUESDAY), null);
  await verified(4, shop(TUESDAY), "It is still short");
  await verified(5, archive, "The parts of two backups in it are damaged");
  const other = { key: shop(MONDAY), etag: "of another object", bytes: 1, damage: "It is of before" };
  await putReceipt({ patina: "verify-receipt", format: 1, id: "verify-6", at: at(6), backups: [other] });
  const failed = [{ name: "rows" as const, end: "failed" as const, findings: ["Rows are missing"] }];
  const broken = [{ name: "object" as const, end: "failed" as const, findings: ["It does not decompress"] }];
  const blog = { database: "blog", verdict: "failed", backup: await seen(`daily/${MONDAY}/blog.sql.gz`) } as const;
  await putReceipt(drilled("drill-1", at(1), { backup: weekly }));
  await putReceipt(drilled("drill-2", at(2), { ...blog, checks: failed, rows: 0, bytes: 0, restoreMs: 0 }));
  await putReceipt(drilled("drill-3", at(3), { backup: weekly, verdict: "failed", checks: broken }));
  // Out of the archive: one dump that reads well, and one that does not.
  const member = (date: string, damage: string | null) => ({
    ...{ ...weekly, key: shop(date), archive, bytes: 1, damage },
  });
  const backups = [member(MONDAY, null), member(TUESDAY, "It is short there")];
  await putReceipt({ patina: "verify-receipt", format: 1, id: "verify-7", at: at(7), backups });
  catalog = await emptyCatalog();
  await makeRebuild(catalog);
  const members = await tableOf("archive_members");
  expect(members.map((row) => [row["database"], row["date"], row["damaged_at"]])).toEqual([
    ["blog", MONDAY, null],
    ["blog", TUESDAY, null],
    ["shop", MONDAY, Date.parse(at(3))],
    ["shop", TUESDAY, Date.parse(at(7))],
  ]);
  const { results } = await env.CATALOG.prepare(
    "select key, verified_at, drilled_at, damaged_at, damage from backup_inventory order by key",
  ).all();
  const time = (day: number) => Date.parse(at(day));
  const none = { drilled_at: null, damaged_at: null, damage: null };
  expect(results).toMatchObject([
    { key: `daily/${MONDAY}/blog.sql.gz`, damaged_at: time(2), damage: "A drill failed: Rows are missing" },
    { key: shop(MONDAY), ...none, drilled_at: time(1) },
    { key: `daily/${TUESDAY}/blog.sql.gz`, ...none },
    { key: shop(TUESDAY), verified_at: time(1), drilled_at: null, damaged_at: time(2), damage: "It is short" },
    { key: archive, verified_at: time(5), drilled_at: null, damaged_at: time(3) },
  ]);
  const drills = await tableOf("drills");
  expect(drills.map(({ id, rows, restore_ms }) => ({ id, rows, restore_ms }))).toEqual([
    { id: "drill-1", rows: 1, restore_ms: 5 },
    { id: "drill-2", rows: null, restore_ms: null },
    { id: "drill-3", rows: 1, restore_ms: 5 },
  ]);
});

test("backups that somebody put into the inventory alone get their jobs, results and days", async () => {
  await liveThrough(catalog);
  const before = await rebuiltState();
  const objects = await env.CATALOG.prepare("select * from backup_inventory where kind <> 'weekly'").all();
  catalog = await emptyCatalog();
  for (const row of objects.results) {
    const columns = Object.keys(row);
    const marks = columns.map(() => "?").join(", ");
    const values = Object.values(row) as string[];
    await run(`insert into backup_inventory (${columns.join(", ")}) values (${marks})`, ...values);
  }
  const { counts } = await makeRebuild(catalog);
  // Eight of the daily backups were known by then: from their archive.
  expect(counts).toMatchObject({ backups: 11, addedBackups: 3, addedArchived: 14 });
  expect(await rebuiltState()).toEqual(before);
});
