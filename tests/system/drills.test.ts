import { CRONS, previousRun } from "@patina/core/schedule";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDatabase, type System, startSystem, temporaryFolder, until } from "./harness.ts";

const folder = temporaryFolder();
let system: System;

beforeAll(async () => {
  const files = ["shop", "blog"].map((name, i) => makeDatabase(folder.path, { name, rows: 3 + i }));
  system = await startSystem({ folder: folder.path, files });
});

afterAll(async () => {
  await system.patina.stop();
  folder.remove();
});

/** The drills, once none is under way. */
async function ended() {
  const { drills } = await until(
    () => system.ask("/drills"),
    ({ drills: all }) => all.length > 0 && all.every(({ state }: { state: string }) => state === "done"),
  );
  return drills;
}

test("the first backup of each database is drilled by the tick, and the databases say that they are proven", async () => {
  const scheduled = previousRun(CRONS.nightly, Date.now());
  await system.patina.fire("nightly", scheduled);
  await system.ended(`nightly-${new Date(scheduled).toISOString().slice(0, 10)}`);
  await system.patina.fire("tick", Date.now());
  const drills = await ended();
  expect(
    drills.map(({ database, verdict, cause }: Record<string, unknown>) => [database, verdict, cause]).sort(),
  ).toEqual([
    ["blog", "passed", "first"],
    ["shop", "passed", "first"],
  ]);
  expect((await system.ask("/databases/shop")).proven.phrase).toMatch(/^restorable, proven \d+ s ago$/);
  const { backups } = await system.ask("/list?drilled=true");
  expect(backups).toHaveLength(2);
});

test("a drill that somebody asks for is made at once", async () => {
  const { drills: opened } = await system.ask("/drills", { method: "POST", body: '{"database":"shop"}' });
  await ended();
  const drill = await system.ask(`/drills/${opened[0].id}`);
  expect(drill).toMatchObject({ cause: "asked", verdict: "passed", rows: 3 });
  expect(drill.checks).toHaveLength(9);
});

test("a stored object that was overwritten fails its drill, and a fresh backup is asked for", async () => {
  const { backups } = await system.ask("/list?database=shop");
  const bucket = await system.patina.bucket();
  await bucket.put(backups[0].key, "nothing of worth");
  await system.ask("/drills", { method: "POST", body: '{"database":"shop"}' });
  const [last] = await ended();
  expect(last).toMatchObject({
    verdict: "failed",
    reason: expect.stringContaining("is another one than its manifest says"),
  });
  expect(await system.rows("select database from job_requests")).toEqual([{ database: "shop" }]);
  expect((await system.ask("/databases/shop")).proven.phrase).toMatch(/^not restorable as it was, found/);
});
