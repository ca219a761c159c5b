import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDatabase, type System, startSystem, temporaryFolder, until } from "./harness.ts";

const NIGHTS = ["2026-11-14", "2026-11-15"];
const WEEKLY = "weekly-2026-11-15";
const folder = temporaryFolder();
let system: System;

beforeAll(async () => {
  const files = ["shop", "blog"].map((name, i) => makeDatabase(folder.path, { name, rows: 3 + i }));
  system = await startSystem({ folder: folder.path, files });
  for (const date of NIGHTS) {
    await system.patina.fire("nightly", Date.parse(`${date}T03:00:00Z`));
    await system.ended(`nightly-${date}`);
  }
  const body = JSON.stringify({ database: "shop", reason: "before the move" });
  const { job } = await system.ask("/trigger", { method: "POST", body });
  await system.ended(job.id);
  await system.patina.fire("weekly", Date.parse("2026-11-15T04:00:00Z"));
  await system.ended(WEEKLY);
});

afterAll(async () => {
  await system.patina.stop();
  folder.remove();
});

/** What the API lists, without what a rebuild says otherwise: when jobs were closed and databases registered. */
async function listed() {
  const { backups } = await system.ask("/list");
  const { jobs } = await system.ask("/jobs");
  const { databases } = await system.ask("/databases");
  return {
    backups,
    jobs: jobs.map(({ finished_at: _, rebuilt_at: __, ...job }: Record<string, unknown>) => job),
    databases: databases.map(({ name, binding, priority }: Record<string, unknown>) => ({ name, binding, priority })),
  };
}

test("the API lists the same backups, jobs and databases after the catalog was lost and rebuilt from the bucket", async () => {
  const before = await listed();
  expect(before.backups).toHaveLength(5);
  expect(before.jobs).toHaveLength(4);
  const catalog = await system.patina.miniflare.getD1Database("CATALOG", "patina-dispatcher");
  const tables = await system.rows(
    "select name from sqlite_schema where type = 'table' and name <> 'd1_migrations' and name not like 'sqlite%' and name not like '_cf%'",
  );
  const wipe = tables.map(({ name }) => catalog.prepare(`delete from "${name}"`));
  await catalog.batch([catalog.prepare("pragma defer_foreign_keys = on"), ...wipe]);
  expect(await listed()).toEqual({ backups: [], jobs: [], databases: [] });

  const { started } = await system.ask("/catalog/rebuild", { method: "POST" });
  expect(started).toBe(true);
  const { rebuild } = await until(
    () => system.ask("/catalog/rebuild"),
    (answer) => answer.rebuild.state !== "running",
  );
  expect(rebuild).toMatchObject({
    state: "done",
    added: { backups: 5, archives: 1, archived_backups: 4, databases: 2 },
    skipped_objects: [],
  });
  expect(await listed()).toEqual(before);

  // A tick finds nothing to make up for that had been done, and the next night is like every other.
  await system.patina.fire("tick", Date.parse("2026-11-15T04:30:00Z"));
  const night = await system.ask("/jobs?kind=weekly");
  expect(night.jobs).toMatchObject([{ id: WEEKLY, status: "completed", rebuilt_at: expect.any(String) }]);
});
