import { env } from "cloudflare:test";
import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { requestStatements } from "@patina/catalog/damage";
import { openManualJob } from "@patina/catalog/jobs";
import { backupJobs, backupTasks, databases, jobRequests } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { transaction } from "@patina/catalog/transaction";
import { MINUTE } from "@patina/core/date";
import { CRONS } from "@patina/core/schedule";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import type { DispatcherContext } from "./context.ts";
import { openRequestedJobs } from "./job-requests.ts";
import { scheduled } from "./scheduled.ts";

const NOW = Date.parse("2026-11-20T01:00:00Z");

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await registerNow(["auth", "shop", "blog"]);
});

/** Registers databases that have missed no nightly yet. */
async function registerNow(names: readonly string[]): Promise<void> {
  await register(catalog, names);
  await catalog.update(databases).set({ createdAt: NOW });
}

async function ask(database: string, id = `verify:${database}`): Promise<void> {
  const reason = `A verification found daily/2026-11-19/${database}.sql.gz damaged`;
  await transaction(catalog, requestStatements({ id, database, reason, now: NOW }));
}

async function dispatcher(now = NOW, plan: FaultPlan | null = null) {
  const faults = new Faults(plan);
  const exports = new RecordedQueue();
  const other = new RecordedQueue() as unknown as Queue;
  const context: DispatcherContext = {
    catalog: await openCatalog(faultyDatabase(env.CATALOG, faults)),
    exports: faultyBinding(exports, faults) as unknown as DispatcherContext["exports"],
    ...{ results: other, alerts: other, upkeep: other },
    clock: () => now,
    holder: crypto.randomUUID(),
    log: createLog("test"),
  };
  return { faults, exports, context };
}

async function requests() {
  return await catalog.select().from(jobRequests).orderBy(jobRequests.database);
}

test("the tick opens one manual job for the backups that were asked for, once, and says why", async () => {
  await ask("shop");
  const first = await dispatcher();
  await scheduled({ cron: CRONS.tick, scheduledTime: NOW }, first.context);
  const jobs = await catalog.select().from(backupJobs);
  expect(jobs).toMatchObject([
    {
      ...{ kind: "manual", trigger: "tick", date: "2026-11-20", databases: 1, status: "running" },
      reason: "A verification found daily/2026-11-19/shop.sql.gz damaged",
    },
  ]);
  expect(first.exports.bodies).toMatchObject([{ kind: "export-requested", job: jobs[0]?.id, database: "shop" }]);
  expect(await requests()).toMatchObject([{ jobId: jobs[0]?.id }]);
  const second = await dispatcher(NOW + MINUTE);
  await scheduled({ cron: CRONS.tick, scheduledTime: NOW }, second.context);
  expect(await catalog.select().from(backupJobs)).toHaveLength(1);
  expect(second.exports.bodies).toEqual([]);
});

test("several requests become one job, which says how many there are", async () => {
  await ask("shop");
  await ask("auth");
  const { context, exports } = await dispatcher();
  await openRequestedJobs(context);
  const [job] = await catalog.select().from(backupJobs);
  expect(job?.reason).toContain(", and 1 more were asked for");
  expect(exports.bodies).toMatchObject([{ database: "auth" }, { database: "shop" }]);
  expect((await requests()).map(({ jobId }) => jobId)).toEqual([job?.id, job?.id]);
});

test("a database whose task is under way is not started twice: its request has that task's job", async () => {
  const id = "manual-20261120-005900-abcdef";
  const job = { id, kind: "manual", trigger: "api", date: "2026-11-20", scheduledFor: NOW, now: NOW } as const;
  await openManualJob(catalog, { job, names: ["shop"] });
  await ask("shop");
  const only = await dispatcher();
  await openRequestedJobs(only.context);
  expect(await catalog.select().from(backupJobs)).toHaveLength(1);
  expect(await requests()).toMatchObject([{ database: "shop", jobId: id }]);

  await ask("blog");
  await ask("shop", "verify:another");
  const both = await dispatcher();
  await openRequestedJobs(both.context);
  const tasks = await catalog.select().from(backupTasks);
  expect(tasks.map(({ database }) => database).toSorted()).toEqual(["blog", "shop"]);
  expect((await requests()).every(({ jobId }) => jobId !== null)).toBe(true);
});

test("a request for a paused database waits until it is resumed", async () => {
  await ask("shop");
  await env.CATALOG.exec("update databases set enabled = 0 where name = 'shop'");
  const paused = await dispatcher();
  await openRequestedJobs(paused.context);
  expect(await requests()).toMatchObject([{ jobId: null }]);
  await catalog.update(databases).set({ enabled: true });
  await openRequestedJobs((await dispatcher()).context);
  expect(await catalog.select().from(backupJobs)).toHaveLength(1);
});

test.each(["before", "after"] as const)("a fault %s any call opens one job and loses no message", async (when) => {
  // The first call opens the catalog.
  for (let at = 2; ; at += 1) {
    catalog = await emptyCatalog();
    await registerNow(["shop"]);
    await ask("shop");
    const faulted = await dispatcher(NOW, { at, when, lasting: "once" });
    await openRequestedJobs(faulted.context).catch(() => undefined);
    // What it left undone is found by the ticks after it.
    const sent = [...faulted.exports.bodies];
    for (const later of [5, 10, 20]) {
      const next = await dispatcher(NOW + later * MINUTE);
      await scheduled({ cron: CRONS.tick, scheduledTime: NOW }, next.context);
      sent.push(...next.exports.bodies);
    }
    const jobs = await catalog.select().from(backupJobs);
    expect(jobs, `call ${at}`).toHaveLength(1);
    expect(await requests(), `call ${at}`).toMatchObject([{ jobId: jobs[0]?.id }]);
    expect(sent, `call ${at}`).not.toEqual([]);
    if (!faulted.faults.struck) break;
    expect(at).toBeLessThan(30);
  }
});
