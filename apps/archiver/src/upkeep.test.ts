import { env } from "cloudflare:test";
import type { Catalog } from "@patina/catalog/catalog";
import { takeLease } from "@patina/catalog/leases";
import { leases } from "@patina/catalog/schema";
import { emptyCatalog } from "@patina/catalog/testing";
import { PatinaError } from "@patina/core/error";
import { DONE } from "@patina/core/outcome";
import type { ArchiveFinished, Drill, UpkeepMessage } from "@patina/messages/message";
import { QUEUES } from "@patina/messages/queues";
import { Faults, faultyDatabase } from "@patina/testkit/faults";
import { batchOf, RecordedQueue, TestMessage } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { Budget } from "./budget.ts";
import worker from "./index.ts";
import { type ArchiverContext, type Handlers, handleUpkeep } from "./upkeep.ts";

const NOW = Date.parse("2026-11-22T04:00:00Z");
const DRILL: Drill = { kind: "drill", version: 1, drill: "drill-1", database: "shop", date: null, snoozes: 0 };

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
});

function context(change: Partial<ArchiverContext> = {}): ArchiverContext {
  return {
    catalog,
    bucket: env.BUCKET,
    upkeep: new RecordedQueue<UpkeepMessage>(),
    results: new RecordedQueue<ArchiveFinished>(),
    scratch: () => {
      throw new Error("There is no scratch database");
    },
    budget: new Budget(() => NOW),
    environment: "local",
    clock: () => NOW,
    holder: crypto.randomUUID(),
    log: createLog("archiver"),
    ...change,
  };
}

function handle(message: UpkeepMessage, options: { handlers?: Handlers; change?: Partial<ArchiverContext> } = {}) {
  return handleUpkeep(message, { ...context(options.change), attempts: 1, handlers: options.handlers ?? {} });
}

/** The Worker's bindings, with queues that remember. */
function bindings(change: object = {}) {
  const upkeep = new RecordedQueue();
  const dead = new RecordedQueue();
  const all = { CATALOG: env.CATALOG, BUCKET: env.BUCKET, UPKEEP: upkeep, UPKEEP_DEAD: dead, ENVIRONMENT: "local" };
  return { upkeep, dead, env: { ...all, RESULTS: new RecordedQueue(), ...change } as unknown as Env };
}

test("a piece of work is done under a lease that nobody has afterwards", async () => {
  const seen: string[] = [];
  const drill = async ({ drill }: Drill) => {
    seen.push(drill, ...(await catalog.select().from(leases)).map(({ name }) => name));
    return DONE;
  };
  expect(await handle(DRILL, { handlers: { drill } })).toEqual(DONE);
  expect(seen).toEqual(["drill-1", "drill:shop"]);
  expect(await catalog.select().from(leases)).toEqual([]);
});

test("work that somebody else is doing is put off until their lease ends, and dropped after the third time", async () => {
  await takeLease(catalog, { name: "drill:shop", holder: "other", now: NOW, length: 600_000 });
  const drill = () => Promise.reject(new Error("Must not run"));
  expect(await handle(DRILL, { handlers: { drill } })).toEqual({ end: "snooze", delaySeconds: 600 });
  expect(await handle({ ...DRILL, snoozes: 3 }, { handlers: { drill } })).toEqual(DONE);
  // Another database is another piece of work.
  const other = { ...DRILL, database: "blog" };
  expect(await handle(other, { handlers: { drill: async () => DONE } })).toEqual(DONE);
});

test("work that fails is free again, and goes where the error table says", async () => {
  const failing = (code: "bucket_unavailable" | "backup_damaged") => async () => {
    throw new PatinaError(code, "Cannot do it");
  };
  expect(await handle(DRILL, { handlers: { drill: failing("bucket_unavailable") } })).toMatchObject({ end: "retry" });
  expect(await handle(DRILL, { handlers: { drill: failing("backup_damaged") } })).toMatchObject({ end: "dead" });
  expect(await catalog.select().from(leases)).toEqual([]);
});

test("a lease that ran out under work that stopped does not hold up the next", async () => {
  await takeLease(catalog, { name: "drill:shop", holder: "stopped", now: NOW - 1_000, length: 1_000 });
  expect(await handle(DRILL, { handlers: { drill: async () => DONE } })).toEqual(DONE);
});

test("the Worker buries what it does not understand and acknowledges it", async () => {
  const { dead, env: all } = bindings();
  const message = new TestMessage({ kind: "drill", version: 1, database: "NOT A NAME" });
  await worker.queue(batchOf(QUEUES.upkeep, [message]), all);
  expect(message.settled).toEqual({ end: "acked" });
  expect(dead.bodies).toMatchObject([{ queue: QUEUES.upkeep, error: { code: "invalid_message" } }]);
});

test("a catalog that is away costs no attempt: the message is put off, longer each time, for an hour", async () => {
  const faults = new Faults({ at: 1, when: "before", lasting: "for ever" });
  const away = bindings({ CATALOG: faultyDatabase(env.CATALOG, faults) });
  let body: unknown = DRILL;
  let waited = 0;
  for (let snoozes = 1; snoozes <= 3; snoozes += 1) {
    const message = new TestMessage(body, { attempts: 5 });
    await worker.queue(batchOf(QUEUES.upkeep, [message]), away.env);
    expect(message.settled).toEqual({ end: "acked" });
    const copy = away.upkeep.sent.at(-1);
    expect(copy?.body).toEqual({ ...DRILL, snoozes });
    waited += copy?.delaySeconds ?? 0;
    body = copy?.body;
  }
  expect(waited).toBeGreaterThan(3_600);
  expect(away.dead.sent).toEqual([]);
  const last = new TestMessage(body, { attempts: 5 });
  await worker.queue(batchOf(QUEUES.upkeep, [last]), away.env);
  expect(away.dead.bodies).toMatchObject([{ error: { code: "catalog_unavailable" } }]);
});

test("a catalog that fails in the middle of the work costs no attempt, whichever call it is", async () => {
  const PRUNE = { kind: "prune", version: 1, plan: "prune-2026-11-22", snoozes: 0 };
  for (let at = 1; ; at += 1) {
    const faults = new Faults({ at, when: "before", lasting: "once" });
    const { upkeep, dead, env: failing } = bindings({ CATALOG: faultyDatabase(env.CATALOG, faults) });
    await env.CATALOG.exec("delete from prune_plans; delete from leases");
    const message = new TestMessage(PRUNE, { attempts: 5 });
    await worker.queue(batchOf(QUEUES.upkeep, [message]), failing);
    expect(message.settled).toEqual({ end: "acked" });
    expect(dead.bodies, `call ${at}`).toEqual([]);
    expect(upkeep.bodies, `call ${at}`).toEqual(faults.struck ? [{ ...PRUNE, snoozes: 1 }] : []);
    if (!faults.struck) break;
    expect(at).toBeLessThan(100);
  }
});
