import type { Catalog } from "@patina/catalog/catalog";
import { takeLease } from "@patina/catalog/leases";
import { findRebuild, noteStep, openRebuild } from "@patina/catalog/rebuilds";
import { backupJobs } from "@patina/catalog/schema";
import { emptyCatalog } from "@patina/catalog/testing";
import { MINUTE } from "@patina/core/date";
import { CRONS } from "@patina/core/schedule";
import type { UpkeepMessage } from "@patina/messages/message";
import { RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { resumeLostRebuild } from "./rebuild.ts";
import { scheduled } from "./scheduled.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const ID = "rebuild-0f9e8d7c";
const REQUEST = { kind: "rebuild-catalog", version: 1, rebuild: ID, snoozes: 0 };

let catalog: Catalog;
const upkeep = new RecordedQueue<UpkeepMessage>();

beforeEach(async () => {
  catalog = await emptyCatalog();
  upkeep.sent.splice(0);
  upkeep.backlog = 0;
  const actor = { name: "admin-token", request: null };
  await openRebuild(catalog, { id: ID, audit: { at: NOW, actor, action: "catalog.rebuild", subject: ID } });
});

/** The tick's duty, so many minutes after the rebuild was begun. */
async function tick(minutes: number): Promise<unknown[]> {
  const queue = upkeep as unknown as Queue;
  const queues = { exports: queue, results: queue, alerts: queue, upkeep: queue };
  const now = NOW + minutes * MINUTE;
  await resumeLostRebuild({ catalog, ...queues, clock: () => now, holder: "tick", log: createLog("test") });
  return upkeep.sent.splice(0).map(({ body }) => body);
}

test("a rebuild that has not come further for long is asked for again, once its message is surely gone", async () => {
  expect(await tick(20)).toEqual([]);
  upkeep.backlog = 1;
  expect(await tick(30)).toEqual([]);
  upkeep.backlog = 0;
  expect(await tick(30)).toEqual([REQUEST]);
});

test("a rebuild that somebody works on, or that has ended, is left alone", async () => {
  await takeLease(catalog, { name: "rebuild", holder: "archiver", now: NOW, length: 40 * MINUTE });
  expect(await tick(30)).toEqual([]);
  expect(await tick(41)).toEqual([REQUEST]);
  const rebuild = await findRebuild(catalog, ID);
  if (rebuild === undefined) throw new TypeError("Cannot find the rebuild");
  await noteStep(catalog, { rebuild, step: { next: { phase: "end" }, statements: [] }, now: NOW });
  expect(await tick(90)).toEqual([]);
});

test("a tick beside a rebuild opens nothing: neither an archive that is there already, nor nights of databases to come", async () => {
  const job = { trigger: "cron", status: "completed", rebuiltAt: NOW } as const;
  const sunday = { ...job, id: "weekly-2026-11-15", kind: "weekly", date: "2026-11-15" } as const;
  await catalog.insert(backupJobs).values({ ...sunday, scheduledFor: 0, startedAt: 0 });
  for (const date of ["2026-11-14", "2026-11-15", "2026-11-18"]) {
    const night = { ...job, id: `nightly-${date}`, kind: "nightly", date } as const;
    await catalog.insert(backupJobs).values({ ...night, scheduledFor: 0, startedAt: 0 });
  }
  const queue = upkeep as unknown as Queue;
  const queues = { exports: queue, results: queue, alerts: queue, upkeep: queue };
  const context = { catalog, ...queues, clock: () => NOW, holder: "tick", log: createLog("test") };
  await scheduled({ cron: CRONS.tick, scheduledTime: NOW }, context);
  // What is asked for changes nothing: a prune removes nothing before a rebuild has ended well.
  expect(upkeep.bodies).toMatchObject([{ kind: "verify" }, { kind: "prune" }]);
  expect(await catalog.$count(backupJobs)).toBe(4);
});
