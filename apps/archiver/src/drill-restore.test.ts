import { expect, test } from "vitest";
import { Budget } from "./budget.ts";
import { type Restoring, restoreAndProve } from "./drill-restore.ts";
import type { ScratchDatabase } from "./scratch-state.ts";
import { newScratch } from "./testing-drill.ts";
import { dumpOf } from "./testing-dump.ts";

const SHOP = { kind: "daily", date: "2026-11-20", database: "shop" } as const;

const READ = { name: "object", end: "passed", findings: [] } as const;

/** What restoring a small backup needs, with a scratch database that answers some calls otherwise. */
async function restoring(otherwise: Partial<ScratchDatabase>): Promise<Restoring> {
  const { bytes, manifest } = await dumpOf(SHOP, ["CREATE TABLE t(a)", "INSERT INTO t VALUES(1)"]);
  const real = newScratch();
  const scratch: ScratchDatabase = {
    begin: (restore) => real.begin(restore),
    keep: (object) => real.keep(object),
    load: (part) => real.load(part),
    prove: (facts) => real.prove(facts),
    empty: () => real.empty(),
    ...otherwise,
  };
  return {
    manifest,
    stored: { read: async (at, length) => bytes.subarray(at, at + length) },
    subject: "one",
    check: async () => READ,
    scratch: () => scratch,
    budget: new Budget(() => 0),
    clock: () => 0,
    restoreMs: 0,
    note: async () => undefined,
  };
}

test("what is more than the platform gives a Durable Object is unprovable, and says at which check", async () => {
  const prove = () => Promise.reject(new Error("Durable Object exceeded its CPU time limit and was reset."));
  const restored = await restoreAndProve(await restoring({ prove }));
  expect(restored?.checks).toEqual([
    READ,
    {
      name: "restore",
      end: "unprovable",
      findings: ['The check "quick_check" takes more time or memory than the platform gives a Durable Object'],
    },
  ]);
});

test("a scratch database that was emptied, or that somebody else restores into, is tried again later", async () => {
  const load = async () => null;
  await expect(restoreAndProve(await restoring({ load }))).rejects.toMatchObject({ code: "scratch_unavailable" });
  const real = await restoring({});
  const elsewhere = async () => await real.scratch().begin({ subject: "two", isWhole: true });
  await expect(restoreAndProve(await restoring({ load: elsewhere }))).rejects.toThrow("somebody else is restoring");
});

test("the object is read once, however many invocations it takes", async () => {
  let times = 0;
  const check = async () => {
    times += 1;
    return READ;
  };
  const counted = { ...(await restoring({})), check };
  expect((await restoreAndProve(counted))?.checks[0]).toEqual(READ);
  expect((await restoreAndProve(counted))?.checks[0]).toEqual(READ);
  expect(times).toBe(1);
  expect((await restoreAndProve({ ...counted, subject: "another" }))?.checks[0]).toEqual(READ);
  expect(times).toBe(2);
});
