import { env } from "cloudflare:test";
import { gunzipSync } from "node:zlib";
import { decodeManifest, type Manifest } from "@patina/archive/manifest";
import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { registerDatabase } from "@patina/catalog/databases";
import { openScheduledJob } from "@patina/catalog/jobs";
import { alertConfig, databases, taskEvents } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import type { Rules } from "@patina/core/rules";
import { QUEUES } from "@patina/messages/queues";
import { batchOf, RecordedQueue, TestMessage } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { consume } from "./consume.ts";
import { redactionKeyOf } from "./rules.ts";

const JOB = "nightly-2026-11-20";
const NOW = Date.parse("2026-11-20T03:00:00Z");
const KEY = "a key of at least thirty-two characters";

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await register(catalog, ["shop", "catalog"]);
  const { objects } = await env.BUCKET.list();
  for (const { key } of objects) await env.BUCKET.delete(key);
  const sql = [
    "drop table if exists users",
    "create table users (id integer primary key, email text not null, token blob)",
    "insert into users values (1, 'ada@example.com', x'00ff'), (2, 'grace@example.com', null)",
  ];
  await env.DB_SHOP.batch(sql.map((statement) => env.DB_SHOP.prepare(statement)));
});

/** Exports a database with these rules; the backup, and what the task's timeline says. */
async function exported(
  database: "shop" | "catalog",
  { rules, key }: { rules: Partial<Rules>; key?: string },
): Promise<{ manifest: Manifest | null; sql: string; events: { event: string; error: string | null }[] }> {
  const binding = database === "shop" ? "DB_SHOP" : "CATALOG";
  await registerDatabase(catalog, { name: database, binding, priority: 0, description: "", ...rules }, NOW);
  const job = { id: JOB, kind: "nightly", trigger: "cron", date: "2026-11-20", scheduledFor: NOW, now: NOW } as const;
  await openScheduledJob(catalog, job);
  const body = { kind: "export-requested", version: 1, job: JOB, database, generation: 1, snoozes: 0 };
  const queue = () => new RecordedQueue() as unknown as Queue;
  const bindings = {
    ...{ CATALOG: env.CATALOG, BUCKET: env.BUCKET, DB_SHOP: env.DB_SHOP },
    ...{ EXPORTS: queue(), EXPORTS_DEAD: queue(), RESULTS: queue() },
    ...{ ENVIRONMENT: "local", SHARD: "0", EXPORT_SECONDS: "600", EXPORT_QUERIES: "1000" },
    ...(key === undefined ? {} : { REDACTION_KEY: key }),
  };
  const world = { clock: () => NOW, sleep: async () => undefined, random: () => 0, log: createLog("exporter") };
  await consume(batchOf(QUEUES.exports, [new TestMessage(body)]), bindings, world);
  const path = `daily/2026-11-20/${database}`;
  const stored = await env.BUCKET.get(`${path}.sql.gz`);
  const manifest = await env.BUCKET.get(`${path}.manifest.json`);
  const events = (await catalog.select().from(taskEvents)).filter((event) => event.database === database);
  return {
    manifest: manifest === null ? null : decodeManifest(await manifest.text()),
    sql: stored === null ? "" : gunzipSync(Buffer.from(await stored.arrayBuffer())).toString(),
    events: events.map(({ event, error }) => ({ event, error })),
  };
}

test("rules of the registry are applied, and the manifest says so", async () => {
  const { manifest, sql } = await exported("shop", {
    rules: {
      redactions: [
        { table: "users", column: "email", as: "digest" },
        { table: "users", column: "token", as: "null" },
      ],
    },
    key: KEY,
  });
  expect(sql).not.toMatch(/example|00FF/);
  expect(sql).toMatch(/\(1,'[0-9a-f]{64}',NULL\)/);
  expect(manifest?.rules).toEqual({
    redactions: [
      { table: "users", column: "email", as: "digest" },
      { table: "users", column: "token", as: "null" },
    ],
    excludedTables: [],
    keyId: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
});

test("a database without rules has none in its manifest", async () => {
  const { manifest, sql } = await exported("shop", { rules: {} });
  expect(sql).toContain("ada@example.com");
  expect(manifest).not.toHaveProperty("rules");
});

test("a rule for a column that no longer exists fails the export and stores nothing", async () => {
  const { manifest, sql, events } = await exported("shop", {
    rules: { redactions: [{ table: "users", column: "phone", as: "null" }] },
  });
  expect([manifest, sql]).toEqual([null, ""]);
  expect(events.at(-1)).toEqual({
    event: "dead",
    error: "Cannot apply the rules: column 'users'.'phone' does not exist",
  });
});

test("a digest without a key, or with one that is too short, fails the export", async () => {
  expect(redactionKeyOf("short")).toBeNull();
  expect(redactionKeyOf(undefined)).toBeNull();
  const rules = { redactions: [{ table: "users", column: "email", as: "digest" }] } as const;
  const { manifest, events } = await exported("shop", { rules, key: "short" });
  expect(manifest).toBeNull();
  expect(events.at(-1)?.error).toBe(`Cannot dump database "shop": a rule needs a key`);
});

test("what is no rule fails the export, without repeating it", async () => {
  const redactions = [{ table: "users", column: "email", as: "text", text: "a\0b" }] as const;
  const { manifest, events } = await exported("shop", { rules: { redactions } });
  expect(manifest).toBeNull();
  expect(events.at(-1)?.error).toBe(`Cannot read the rules of database "shop": wrong at /redactions/0/text`);
});

test("the catalog is backed up without the URLs of its channels", async () => {
  const urlCiphertext = Buffer.from("53454352", "hex");
  await catalog
    .insert(alertConfig)
    .values({ id: "ops", kind: "webhook", events: ["job-failed"], urlCiphertext, createdAt: NOW });
  const redactions = [{ table: "alert_config", column: "url_ciphertext", as: "null" }] as const;
  const { manifest, sql } = await exported("catalog", { rules: { redactions } });
  expect(manifest?.rules?.redactions).toEqual(redactions);
  expect(sql).toContain("'ops','webhook'");
  expect(sql).not.toContain("53454352");
});

test("registering a database again keeps its rules unless it names others", async () => {
  const entry = { name: "shop", binding: "DB_SHOP", priority: 0, description: "" };
  await registerDatabase(catalog, { ...entry, excludedTables: ["sessions"] }, NOW);
  await registerDatabase(catalog, { ...entry, description: "again" }, NOW);
  const found = (await (await openCatalog(env.CATALOG)).select().from(databases)).find(({ name }) => name === "shop");
  expect(found).toMatchObject({ description: "again", excludedTables: ["sessions"], redactions: [] });
});
