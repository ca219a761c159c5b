import fc from "fast-check";
import { expect, test } from "vitest";
import type { Held, StoredArchive } from "./archive-retention.ts";
import { DAY } from "./date.ts";
import type { StoredDump } from "./dump-retention.ts";
import { applyRetention, type StoredBackup } from "./retention.ts";
import type { DumpPolicy, RetentionPolicy } from "./retention-policy.ts";
import { apply, archive, dump, NOW, reasonOf } from "./testing-backups.ts";

const NAMES = ["shop", "blog", "auth"];
const name = fc.constantFrom(...NAMES);
const age = fc.double({ min: 0, max: 800, noNaN: true });
const anyPolicy: fc.Arbitrary<DumpPolicy> = fc.oneof(
  fc.record({
    kind: fc.constant("age" as const),
    dailyDays: fc.integer({ min: 1, max: 40 }),
    manualDays: fc.integer({ min: 1, max: 40 }),
    maxBytes: fc.option(fc.integer({ min: 1, max: 20_000 })),
  }),
  fc.record({
    kind: fc.constant("tiers" as const),
    allDays: fc.integer({ min: 1, max: 10 }),
    daily: fc.nat(30),
    weekly: fc.nat(10),
    monthly: fc.nat(6),
    yearly: fc.nat(2),
    manualDays: fc.integer({ min: 1, max: 40 }),
    maxBytes: fc.option(fc.integer({ min: 1, max: 20_000 })),
  }),
);
const anyRetention: fc.Arbitrary<RetentionPolicy> = fc.record({
  weeklyWeeks: fc.integer({ min: 1, max: 20 }),
  dumps: anyPolicy,
  overrides: fc.array(fc.tuple(name, anyPolicy), { maxLength: 2 }).map((pairs) => new Map(pairs)),
});
const anyDump: fc.Arbitrary<StoredDump> = fc
  .record({
    kind: fc.constantFrom("daily" as const, "manual" as const),
    database: name,
    age,
    bytes: fc.nat(9_000),
    isGood: fc.boolean(),
    isHeld: fc.boolean(),
  })
  .map(({ age: days, isHeld, ...rest }) => dump(days, { ...rest, archivedIn: isHeld ? "weekly/x.tar.gz" : null }));
const anyArchive: fc.Arbitrary<StoredArchive> = fc
  .record({
    ages: fc.array(fc.tuple(name, age, fc.option(fc.double({ min: 0, max: 6, noNaN: true }))), {
      minLength: 1,
      maxLength: 3,
    }),
    isKnown: fc.boolean(),
  })
  .map(({ ages, isKnown }) => {
    const held = ages.map(([database, days, older]): [string, Held] => [
      database,
      { newest: NOW - days * DAY, good: older === null ? null : NOW - (days + older) * DAY },
    ]);
    const members = isKnown || held.length > 1 ? new Map(held) : null;
    return archive(Math.min(...ages.map(([, days]) => days)), {}, { members });
  });
const anyInventory = fc
  .tuple(fc.array(anyDump, { maxLength: 25 }), fc.array(anyArchive, { maxLength: 6 }))
  .map(([dumps, archives]): StoredBackup[] =>
    [...dumps, ...archives].map((one, i) => ({ ...one, key: `${one.kind}/${i}` })),
  );

/** When the newest good backup of a database was finished; -1 when there is none. */
function newestGood(backups: readonly StoredBackup[], database: string): number {
  const times = backups.flatMap((one) => {
    if (one.kind === "weekly") return [one.members?.get(database)?.good ?? -1];
    if (!one.isGood) return [];
    return one.database === database ? [one.at] : [];
  });
  return Math.max(-1, ...times);
}

test("every backup is in exactly one list, with a reason", () => {
  fc.assert(
    fc.property(anyInventory, anyRetention, (backups, policy) => {
      const { keep, remove } = apply(backups, policy);
      const keys = [...keep, ...remove].map(({ key }) => key);
      expect(keys.toSorted()).toEqual(backups.map(({ key }) => key).toSorted());
      expect([...keep, ...remove].every(({ reason }) => reason.length > 10)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("the last good backup of a database is never removed, nor anything when no newer good one stays", () => {
  fc.assert(
    fc.property(anyInventory, anyRetention, (backups, policy) => {
      const { remove } = apply(backups, policy);
      const gone = new Set(remove.map(({ key }) => key));
      const kept = backups.filter(({ key }) => !gone.has(key));
      for (const database of NAMES) expect(newestGood(kept, database)).toBe(newestGood(backups, database));
      for (const one of backups.filter(({ key }) => gone.has(key))) {
        const covered =
          one.kind === "weekly"
            ? [...(one.members ?? [])].map(([database, { newest }]) => [database, newest] as const)
            : [[one.database, one.at] as const];
        for (const [database, at] of covered) expect(newestGood(kept, database)).toBeGreaterThanOrEqual(at);
        if (one.kind !== "weekly") expect(newestGood(kept, one.database)).toBeGreaterThan(one.at);
      }
    }),
    { numRuns: 5_000 },
  );
});

test("a good daily is only removed when an archive verifiably holds it, or would be gone", () => {
  fc.assert(
    fc.property(anyInventory, anyRetention, (backups, policy) => {
      const gone = new Set(apply(backups, policy).remove.map(({ key }) => key));
      for (const one of backups) {
        if (one.kind !== "daily" || !one.isGood || !gone.has(one.key)) continue;
        expect(one.archivedIn !== null || NOW - one.at >= policy.weeklyWeeks * 7 * DAY).toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("deciding again over what was kept removes nothing more", () => {
  fc.assert(
    fc.property(anyInventory, anyRetention, (backups, policy) => {
      const gone = new Set(apply(backups, policy).remove.map(({ key }) => key));
      const kept = backups.filter(({ key }) => !gone.has(key));
      expect(apply(kept, policy).remove).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});

test("what is copied out lets the archive go, and is the last good backup of its database", () => {
  fc.assert(
    fc.property(anyInventory, anyRetention, (backups, policy) => {
      const first = apply(backups, policy);
      const gone = new Set(first.remove.map(({ key }) => key));
      const copies = first.rescues.map(({ database, at }, i): StoredDump => {
        return { ...dump(0), key: `copy/${i}`, database, at, archivedIn: null };
      });
      const second = apply([...backups.filter(({ key }) => !gone.has(key)), ...copies], policy);
      expect(second.rescues).toEqual([]);
      for (const { database, at } of first.rescues) {
        expect(newestGood([...backups, ...copies], database)).toBe(at);
        expect(copies.some((copy) => copy.database === database && reasonOf(second, copy).startsWith("keep"))).toBe(
          true,
        );
      }
    }),
    { numRuns: 2_000 },
  );
});

test("over any history of nights, damages and prunes, a database that has a good backup keeps one", () => {
  const night = fc.record({
    made: fc.boolean(),
    damaged: fc.option(fc.nat(60), { freq: 6 }),
    archived: fc.boolean(),
    jump: fc.option(fc.integer({ min: -400, max: 400 }), { freq: 20 }),
  });
  fc.assert(
    fc.property(fc.array(night, { minLength: 20, maxLength: 120 }), anyRetention, (nights, policy) => {
      let backups: StoredBackup[] = [];
      for (const [i, { made, damaged, archived, jump }] of nights.entries()) {
        const at = NOW + i * DAY;
        if (made) backups.push({ ...dump(0), key: `daily/${i}`, at });
        if (archived && i % 7 === 6) backups = archivedWeek(backups, { week: i, at });
        if (damaged !== null) {
          backups = backups.map((one, n) => (n === damaged % backups.length ? spoilt(one) : one));
        }
        const before = newestGood(backups, "shop");
        const { remove, rescues } = applyRetention(backups, policy, {
          now: at + (jump ?? 0) * DAY,
          ticks: { last: at - DAY, since: 0 },
        });
        const gone = new Set(remove.map(({ key }) => key));
        const copies = rescues.map(({ at: time }) => ({ ...dump(0), key: `copy/${i}`, at: time }));
        backups = [...backups.filter(({ key }) => !gone.has(key)), ...copies];
        expect(newestGood(backups, "shop")).toBe(before);
      }
    }),
    { numRuns: 400 },
  );
});

/** The same backup, once something was found to be wrong with it. */
function spoilt(one: StoredBackup): StoredBackup {
  if (one.kind !== "weekly") return { ...one, isGood: false };
  return { ...one, members: new Map([...(one.members ?? [])].map(([name, held]) => [name, { ...held, good: null }])) };
}

/** The dailies of the last seven nights, put into an archive that was verified. */
function archivedWeek(backups: StoredBackup[], { week, at }: { week: number; at: number }): StoredBackup[] {
  const key = `weekly/${week}`;
  const isMember = (one: StoredBackup): one is StoredDump =>
    one.kind === "daily" && one.isGood && at - one.at < 7 * DAY;
  const members = backups.filter(isMember);
  if (members.length === 0) return backups;
  const newest = Math.max(...members.map((one) => one.at));
  const whole: StoredArchive = {
    kind: "weekly",
    key,
    at: newest,
    bytes: 1,
    members: new Map([["shop", { newest, good: newest }]]),
  };
  return [...backups.map((one) => (isMember(one) ? { ...one, archivedIn: key } : one)), whole];
}
