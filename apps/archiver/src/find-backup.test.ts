import { createExecutionContext, env } from "cloudflare:test";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import { readTable } from "@patina/archive/range-reader";
import type { Catalog } from "@patina/catalog/catalog";
import { archives, backupInventory, backupJobs } from "@patina/catalog/schema";
import { emptyCatalog } from "@patina/catalog/testing";
import { QUEUES } from "@patina/messages/queues";
import { batchOf, RecordedQueue, TestMessage } from "@patina/testkit/queue";
import { beforeEach, expect, test } from "vitest";
import { bytesOf, findBackup } from "./find-backup.ts";
import worker from "./index.ts";
import { emptyBucket, storeBackup } from "./testing.ts";
import { Vault } from "./vault.ts";

const DATE = "2026-11-18";
const DAILY = { kind: "daily", date: DATE, database: "shop" } as const;
const MANUAL = { kind: "manual", date: DATE, job: "manual-20261118-120000-9f3a1c", database: "shop" } as const;

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
});

/** A stored backup that the inventory knows. */
async function store(ref: typeof DAILY | typeof MANUAL, rows: readonly string[]) {
  const { object } = await storeBackup(ref, { rows });
  await catalog.insert(backupInventory).values({
    key: object.key,
    kind: ref.kind,
    database: ref.database,
    date: ref.date,
    jobId: ref.kind === "manual" ? ref.job : `nightly-${DATE}`,
    size: object.bytes,
    digest: object.sha256,
    etag: object.etag,
    createdAt: Date.parse(`${DATE}T03:00:01Z`),
  });
  return object;
}

/** Archives the week that is stored. */
async function archiveWeek(): Promise<void> {
  const at = Date.parse("2026-11-22T04:00:00Z");
  const job = { id: "weekly-2026-11-22", kind: "weekly", trigger: "cron", date: "2026-11-22" } as const;
  await catalog.insert(backupJobs).values({ ...job, scheduledFor: at, startedAt: at });
  const queue = new RecordedQueue();
  const bindings = { ...env, UPKEEP: queue, UPKEEP_DEAD: queue, RESULTS: queue, ENVIRONMENT: "local" };
  const message = new TestMessage({ kind: "archive-week", version: 1, job: job.id });
  await worker.queue(batchOf(QUEUES.upkeep, [message]), bindings as unknown as Env);
  expect(message.settled).toEqual({ end: "acked" });
}

/** Removes a backup as a prune does: the inventory first, then the object. */
async function prune(ref: typeof DAILY | typeof MANUAL): Promise<void> {
  await env.CATALOG.prepare("update backup_inventory set deleted_at = 1 where key = ?").bind(dumpKey(ref)).run();
  await env.BUCKET.delete([dumpKey(ref), manifestKey(ref)]);
}

function find() {
  return findBackup({ date: DATE, database: "shop" }, { catalog, bucket: env.BUCKET });
}

async function tableOf(found: Awaited<ReturnType<typeof find>>): Promise<string> {
  if (found === null) throw new Error("There is no backup");
  const chunks: Uint8Array[] = [];
  const stored = bytesOf(found, env.BUCKET);
  for await (const chunk of readTable(found.manifest, { stored, table: "t" })) chunks.push(chunk);
  return await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text();
}

test("findBackup() gives the nightly, else the manual backup, else the nightly out of the archive", async () => {
  await store(DAILY, ["nightly"]);
  await store(MANUAL, ["manual"]);
  await archiveWeek();
  expect(await find()).toMatchObject({ from: "daily", key: dumpKey(DAILY) });
  await prune(DAILY);
  expect(await find()).toMatchObject({ from: "manual", key: dumpKey(MANUAL) });
  await prune(MANUAL);
  const archived = await find();
  expect(archived).toMatchObject({ from: "weekly", key: "weekly/2026-W47.tar.gz", manifest: { database: "shop" } });
  expect(await tableOf(archived)).toBe(`INSERT INTO "t"("v") VALUES\n('nightly');\n`);
});

test("an archive that was not read back to its end is not relied on", async () => {
  await store(DAILY, ["nightly"]);
  await archiveWeek();
  await prune(DAILY);
  await catalog.update(archives).set({ state: "checking" });
  expect(await find()).toBeNull();
});

test("a table is read out of an archive by ranges, as out of the daily backup", async () => {
  // Text that hardly compresses, so that the dump has several restart points.
  const noise = (seed: number) => Array.from({ length: 9_000 }, (_, i) => (i * i * seed + i).toString(36)).join("");
  const rows = Array.from({ length: 60 }, (_, i) => noise(i + 1));
  await store(DAILY, rows);
  const whole = await tableOf(await find());
  await archiveWeek();
  await prune(DAILY);
  const archived = await find();
  expect(archived?.from).toBe("weekly");
  expect(archived?.manifest.restartPoints.length).toBeGreaterThan(2);
  expect((await tableOf(archived)) === whole).toBe(true);
});

test("a backup whose manifest cannot be read is named, unless the archive has it too", async () => {
  await store(DAILY, ["nightly"]);
  await archiveWeek();
  await env.BUCKET.put(manifestKey(DAILY), "{");
  expect(await find()).toMatchObject({ from: "weekly" });
  await catalog.delete(archives);
  await expect(find()).rejects.toMatchObject({ code: "manifest_invalid" });
});

test("an object that is not the one its manifest names is no backup", async () => {
  await store(DAILY, ["nightly"]);
  await env.BUCKET.put(dumpKey(DAILY), "something else");
  expect(await find()).toBeNull();
});

test("Vault opens a backup wherever it is, as the same bytes under the same etag", async () => {
  const { sha256, bytes } = await store(DAILY, ["nightly"]);
  await archiveWeek();
  const vault = new Vault(createExecutionContext(), env as unknown as Env);
  const open = async (wanted = {}) => {
    const answer = await vault.openBackup({ date: DATE, database: "shop" }, wanted);
    if (answer.end !== "opened") return answer.end;
    const { from, job, object } = answer;
    expect(object).toMatchObject({ etag: sha256, size: bytes });
    return { from, job, content: Buffer.from(await new Response(answer.body).arrayBuffer()) };
  };
  const daily = await open();
  await prune(DAILY);
  const weekly = await open();
  expect(daily).toMatchObject({ from: "daily", job: `nightly-${DATE}` });
  expect(weekly).toMatchObject({ from: "weekly", job: `nightly-${DATE}` });
  if (typeof daily === "string" || typeof weekly === "string") throw new Error("There is no backup");
  expect(weekly.content.equals(daily.content)).toBe(true);
  expect(await open({ offset: 3, length: 5 })).toMatchObject({ content: daily.content.subarray(3, 8) });
  expect(await open({ offset: bytes })).toBe("outside");
  expect(await open({ etag: "other" })).toBe("changed");
  expect(await vault.openBackup({ date: DATE, database: "blog" })).toEqual({ end: "absent" });
});

test("Vault finds the backup that a job made, also out of the archive, and says when a manifest cannot be read", async () => {
  await store(DAILY, ["nightly"]);
  await store(MANUAL, ["manual"]);
  await archiveWeek();
  const vault = new Vault(createExecutionContext(), env as unknown as Env);
  const of = async (job: string) => {
    const found = await vault.findBackup({ date: DATE, database: "shop", job });
    return found.end === "found" ? `${found.from} ${found.manifest.rows}` : found.end;
  };
  expect(await of(MANUAL.job)).toBe("manual 1");
  expect(await of(`nightly-${DATE}`)).toBe("daily 1");
  expect(await of("manual-20261118-130000-000000")).toBe("absent");
  await prune(DAILY);
  expect(await of(`nightly-${DATE}`)).toBe("weekly 1");
  await env.BUCKET.put(manifestKey(MANUAL), "{");
  expect(await vault.findBackup({ date: DATE, database: "shop", job: MANUAL.job })).toEqual({
    end: "unreadable",
    reason: "Cannot read manifest: it is no JSON",
  });
});

test("a damaged backup comes last: another one of the date is found, or its copy in the archive", async () => {
  const damage = async (key: string) => {
    await env.CATALOG.prepare("update backup_inventory set damaged_at = 1, damage = 'It rots' where key = ?")
      .bind(key)
      .run();
  };
  const found = async (evenDamaged = false) => {
    const backup = await findBackup({ date: DATE, database: "shop", evenDamaged }, { catalog, bucket: env.BUCKET });
    return backup === null ? null : [backup.from, backup.damage];
  };
  await store(DAILY, ["the nightly"]);
  await archiveWeek();
  await damage(dumpKey(DAILY));
  expect(await found()).toEqual(["weekly", null]);
  expect(await found(true)).toEqual(["daily", "It rots"]);
  await store(MANUAL, ["by hand"]);
  expect(await found()).toEqual(["manual", null]);
  await damage(dumpKey(MANUAL));
  await env.CATALOG.exec("update archive_members set damaged_at = 1");
  expect(await found()).toEqual(["daily", "It rots"]);
  await prune(DAILY);
  await prune(MANUAL);
  expect(await found()).toEqual(["weekly", 'The part of "weekly/2026-W47.tar.gz" that holds it is damaged']);
});

test("a download of a backup that others of its date surpass goes on with the same one", async () => {
  const nightly = await store(DAILY, ["the nightly"]);
  await env.CATALOG.exec("update backup_inventory set damaged_at = 1, damage = 'It rots'");
  const vault = new Vault(createExecutionContext(), env as unknown as Env);
  const answer = await vault.openBackup({ date: DATE, database: "shop", evenDamaged: true }, { etag: nightly.sha256 });
  expect(answer).toMatchObject({ end: "opened", from: "daily", length: nightly.bytes });
});
