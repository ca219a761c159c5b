import { env } from "cloudflare:test";
import type { Catalog } from "@patina/catalog/catalog";
import { takeLease } from "@patina/catalog/leases";
import { leases } from "@patina/catalog/schema";
import { emptyCatalog } from "@patina/catalog/testing";
import { PatinaError } from "@patina/core/error";
import { DONE } from "@patina/core/outcome";
import type { ArchiveFinished, Drill, UpkeepMessage } from "@patina/messages/message";
import { QUEUES } from "@patina/messages/queues";
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
  const dead = new RecordedQueue();
  const message = new TestMessage({ kind: "drill", version: 1, database: "NOT A NAME" });
  const bindings = {
    CATALOG: env.CATALOG,
    BUCKET: env.BUCKET,
    UPKEEP: new RecordedQueue(),
    UPKEEP_DEAD: dead,
    ENVIRONMENT: "local",
  };
  await worker.queue(batchOf(QUEUES.upkeep, [message]), bindings as unknown as Env);
  expect(message.settled).toEqual({ end: "acked" });
  expect(dead.bodies).toMatchObject([{ queue: QUEUES.upkeep, error: { code: "invalid_message" } }]);
});
