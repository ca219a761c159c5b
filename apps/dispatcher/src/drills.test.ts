import { env } from "cloudflare:test";
import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { endDrill, findDrill, noteDrill } from "@patina/catalog/drills";
import { takeLease } from "@patina/catalog/leases";
import { forgetQueues } from "@patina/catalog/lost-work";
import { backupInventory, backupJobs, backupResults, custodySettings, drills } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { DAY, HOUR, MINUTE } from "@patina/core/date";
import type { Verdict } from "@patina/core/drill";
import { DRILLS_AT_ONCE } from "@patina/core/drill-schedule";
import type { Drill } from "@patina/messages/message";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { openDueDrills, sendDrills } from "./drills.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
});

/** The tick's duties about drills at a time; its bindings fail as planned. */
async function dispatcher(now: number, plan: FaultPlan | null = null) {
  const faults = new Faults(plan);
  const upkeep = new RecordedQueue<Drill>();
  const other = new RecordedQueue() as unknown as Queue;
  const context = {
    catalog: await openCatalog(faultyDatabase(env.CATALOG, faults)),
    exports: other,
    results: other,
    alerts: other,
    upkeep: faultyBinding(upkeep, faults) as unknown as Queue,
    clock: () => now,
    holder: crypto.randomUUID(),
    log: createLog("test"),
  };
  async function tick(): Promise<Drill[]> {
    await openDueDrills(context);
    await sendDrills(context);
    return upkeep.sent.splice(0).map(({ body }) => body);
  }
  return { faults, upkeep, tick };
}

async function tickAt(now: number): Promise<Drill[]> {
  return await (await dispatcher(now)).tick();
}

/** A backup of a database as the exporter and the aggregator leave it. */
async function backedUp(database: string, { at = NOW - HOUR, schema = "a", rows = 10 } = {}): Promise<void> {
  const date = new Date(at).toISOString().slice(0, 10);
  const jobId = `nightly-${date}`;
  const job = { id: jobId, kind: "nightly", trigger: "cron", date, scheduledFor: at, startedAt: at } as const;
  await catalog.insert(backupJobs).values(job).onConflictDoNothing();
  const result = { jobId, database, generation: 1, status: "succeeded", rows, schemaDigest: schema } as const;
  await catalog.insert(backupResults).values({ ...result, finishedAt: at });
  const key = `daily/${date}/${database}.sql.gz`;
  const object = { key, kind: "daily", database, date, jobId, size: 1, digest: "d", etag: "e" } as const;
  await catalog.insert(backupInventory).values({ ...object, createdAt: at });
}

const CHECKS = [{ name: "object", end: "passed", findings: [] }] as const;

/** Ends a drill as the archiver does. */
async function end(
  { drill, database }: Drill,
  {
    at,
    verdict = "passed",
    schema = "a",
    rowsWritten = 20,
  }: { at: number; verdict?: Verdict; schema?: string; rowsWritten?: number },
): Promise<void> {
  const facts = { reason: null, checks: CHECKS, rows: 10, bytes: 100, restoreMs: 1, subject: null, copy: null };
  await endDrill(catalog, { id: drill, database, verdict, rowsWritten, schemaDigest: schema, ...facts }, at);
}

async function only(messages: readonly Drill[]): Promise<Drill> {
  const [message] = messages;
  if (message === undefined || messages.length > 1) throw new Error(`${messages.length} messages were sent`);
  return message;
}

test("the tick drills a database's first backup, once", async () => {
  await register(catalog, ["shop", "empty"]);
  await backedUp("shop");
  const drill = await only(await tickAt(NOW));
  expect(drill).toMatchObject({ kind: "drill", database: "shop", date: "2026-11-20", snoozes: 0 });
  expect(await findDrill(catalog, drill.drill)).toMatchObject({ cause: "first", state: "queued" });
  expect(await tickAt(NOW + 5 * MINUTE)).toEqual([]);
  await end(drill, { at: NOW + 6 * MINUTE });
  expect(await tickAt(NOW + 10 * MINUTE)).toEqual([]);
});

test("the tick drills again after another schema, a failure with a newer backup, and in its month", async () => {
  await register(catalog, ["shop"]);
  await backedUp("shop");
  await end(await only(await tickAt(NOW)), { at: NOW });
  await backedUp("shop", { at: NOW + DAY, schema: "b" });
  const schema = await only(await tickAt(NOW + DAY + HOUR));
  expect(await findDrill(catalog, schema.drill)).toMatchObject({
    cause: "schema",
    date: "2026-11-21",
    jobId: "nightly-2026-11-21",
  });
  await end(schema, { at: NOW + DAY + HOUR, verdict: "failed", schema: "b" });
  expect(await tickAt(NOW + DAY + 2 * HOUR)).toEqual([]);
  await backedUp("shop", { at: NOW + 2 * DAY, schema: "b" });
  const again = await only(await tickAt(NOW + 2 * DAY + HOUR));
  expect(await findDrill(catalog, again.drill)).toMatchObject({ cause: "first" });
  await end(again, { at: NOW + 2 * DAY + HOUR, schema: "b" });
  expect(await tickAt(NOW + 3 * DAY)).toEqual([]);
  const monthly: Drill[] = [];
  for (let now = NOW + 3 * DAY; monthly.length < 2 && now < NOW + 70 * DAY; now += DAY) {
    for (const message of await tickAt(now)) {
      expect(await findDrill(catalog, message.drill)).toMatchObject({ cause: "monthly" });
      await end(message, { at: now, schema: "b" });
      monthly.push(message);
    }
  }
  expect(monthly).toHaveLength(2);
});

test("paused databases and damaged backups are not drilled by themselves", async () => {
  await register(catalog, ["paused", "damaged"]);
  await backedUp("paused");
  await backedUp("damaged");
  await env.CATALOG.exec("update databases set enabled = 0 where name = 'paused'");
  await env.CATALOG.exec("update backup_inventory set damaged_at = 1 where database = 'damaged'");
  expect(await tickAt(NOW)).toEqual([]);
});

test("a few drills are under way at once, the most urgent databases first, and the others follow", async () => {
  const names = Array.from({ length: 15 }, (_, i) => `db-${String(i).padStart(2, "0")}`);
  await register(catalog, names);
  for (const name of names) await backedUp(name);
  const seen: string[] = [];
  for (let now = NOW; seen.length < names.length && now < NOW + DAY; now += 5 * MINUTE) {
    const sent = await tickAt(now);
    expect(sent.length).toBeLessThanOrEqual(DRILLS_AT_ONCE);
    for (const message of sent) await end(message, { at: now });
    seen.push(...sent.map(({ database }) => database));
  }
  // The first two are critical and high.
  expect(seen.slice(0, 2)).toEqual(["db-00", "db-01"]);
  expect([...seen].sort()).toEqual(names);
});

test("the month's budget wins over the schedule, and a new month brings a new one", async () => {
  await register(catalog, ["large", "small"]);
  await backedUp("large", { rows: 1_000 });
  await backedUp("small", { rows: 10 });
  const retention = { kind: "age", dailyDays: 7, manualDays: 30, maxBytes: null } as const;
  const settings = { retention, weeklyWeeks: 12, verifyBytes: 1, drillRows: 100, updatedAt: 0 };
  await catalog.insert(custodySettings).values({ id: 1, ...settings });
  const small = await only(await tickAt(NOW));
  expect(small.database).toBe("small");
  await end(small, { at: NOW, rowsWritten: 30 });
  expect(await tickAt(NOW + HOUR)).toEqual([]);
  await catalog.update(custodySettings).set({ drillRows: 2_100 });
  expect((await only(await tickAt(NOW + 2 * HOUR))).database).toBe("large");
});

test("a drill whose message is lost is sent again, unless somebody works on it or the queue has a backlog", async () => {
  await register(catalog, ["shop"]);
  await backedUp("shop");
  const drill = await only(await tickAt(NOW));
  expect(await tickAt(NOW + 20 * MINUTE)).toEqual([]);
  const late = NOW + 26 * MINUTE;
  const waiting = await dispatcher(late);
  waiting.upkeep.backlog = 1;
  expect(await waiting.tick()).toEqual([]);
  await takeLease(catalog, { name: "drill:shop", holder: "archiver", now: late, length: 20 * MINUTE });
  expect(await tickAt(late)).toEqual([]);
  expect(await tickAt(late + 21 * MINUTE)).toEqual([drill]);
  // It comes further, and is left alone.
  await noteDrill(catalog, drill.drill, { now: late + 40 * MINUTE });
  expect(await tickAt(late + 60 * MINUTE)).toEqual([]);
});

test("a drill that was begun hours ago and that nobody works on is given up, and tried again the next day", async () => {
  await register(catalog, ["shop"]);
  await backedUp("shop");
  const { drill } = await only(await tickAt(NOW));
  await noteDrill(catalog, drill, { now: NOW + MINUTE });
  await noteDrill(catalog, drill, { now: NOW + 2 * HOUR });
  expect(await tickAt(NOW + 2 * HOUR + 30 * MINUTE)).toMatchObject([{ drill }]);
  expect(await tickAt(NOW + 3 * HOUR + 10 * MINUTE)).toEqual([]);
  expect(await findDrill(catalog, drill)).toMatchObject({
    state: "done",
    verdict: "unprovable",
    reason: "It was begun three hours ago, and nobody can finish it",
  });
  expect(await tickAt(NOW + 20 * HOUR)).toEqual([]);
  const again = await only(await tickAt(NOW + 28 * HOUR));
  expect(await findDrill(catalog, again.drill)).toMatchObject({ cause: "first" });
});

test("after a local run was stopped, its drills are sent again at once", async () => {
  await register(catalog, ["shop"]);
  await backedUp("shop");
  const drill = await only(await tickAt(NOW));
  await noteDrill(catalog, drill.drill, { now: NOW + MINUTE });
  await forgetQueues(catalog);
  expect(await tickAt(NOW + 2 * MINUTE)).toEqual([drill]);
});

test.each(["before", "after"] as const)(
  "a fault %s any one call of the tick loses no drill and makes none twice",
  async (when) => {
    await register(catalog, ["shop", "blog"]);
    await backedUp("shop");
    await backedUp("blog");
    for (let at = 2; ; at += 1) {
      await catalog.delete(drills);
      const faulted = await dispatcher(NOW, { at, when, lasting: "once" });
      const sent = await faulted.tick().catch(() => faulted.upkeep.sent.splice(0).map(({ body }) => body));
      for (let now = NOW + 5 * MINUTE; sent.length < 2 && now < NOW + HOUR; now += 5 * MINUTE) {
        sent.push(...(await tickAt(now)));
      }
      expect(sent.map(({ database }) => database).sort(), `call ${at}`).toEqual(["blog", "shop"]);
      expect(await catalog.select().from(drills), `call ${at}`).toHaveLength(2);
      if (!faulted.faults.struck) break;
    }
  },
);
