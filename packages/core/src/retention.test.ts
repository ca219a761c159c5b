import fc from "fast-check";
import { expect, test } from "vitest";
import { DAY, HOUR } from "./date.ts";
import { applyRetention, type Retention, type StoredArchive, type StoredBackup, type StoredDump } from "./retention.ts";
import { DEFAULT_DUMPS, type DumpPolicy, type RetentionPolicy, type TierPolicy } from "./retention-policy.ts";

const NOW = Date.parse("2026-11-20T03:30:00Z");
const POLICY: RetentionPolicy = { weeklyWeeks: 12, dumps: DEFAULT_DUMPS, overrides: new Map() };
const TIERS: TierPolicy = {
  kind: "tiers",
  allDays: 7,
  daily: 30,
  weekly: 8,
  monthly: 4,
  yearly: 2,
  manualDays: 30,
  maxBytes: null,
};

function dump(age: number, change: Partial<StoredDump> = {}): StoredDump {
  const at = NOW - age * DAY;
  const date = new Date(at).toISOString().slice(0, 10);
  const { kind = "daily", database = "shop" } = change;
  const defaults = { kind, database, at, bytes: 1_000, isGood: true, archivedIn: null };
  return { ...defaults, key: `${kind}/${date}/${database}-${age}.sql.gz`, ...change };
}

function archive(age: number, members: Record<string, number>, change: Partial<StoredArchive> = {}): StoredArchive {
  return {
    kind: "weekly",
    key: `weekly/${age}.tar.gz`,
    at: NOW - age * DAY,
    bytes: 5_000,
    isGood: true,
    members: new Map(Object.entries(members).map(([name, days]) => [name, NOW - days * DAY])),
    ...change,
  };
}

function apply(backups: readonly StoredBackup[], policy: RetentionPolicy = POLICY): Retention {
  return applyRetention(backups, policy, { now: NOW, lastTick: NOW - HOUR });
}

function reasonOf({ keep, remove }: Retention, { key }: StoredBackup): string {
  return [...keep.map((one) => ({ ...one, to: "keep" })), ...remove.map((one) => ({ ...one, to: "remove" }))]
    .filter((one) => one.key === key)
    .map(({ to, reason }) => `${to}: ${reason}`)
    .join();
}

test("dailies stay for 7 days, and longer until a weekly archive verifiably holds them", () => {
  const young = dump(6);
  const held = dump(8, { archivedIn: "weekly/2026-W45.tar.gz" });
  const unheld = dump(9);
  const done = apply([dump(0), young, held, unheld]);
  expect(reasonOf(done, young)).toBe("keep: a daily of less than 7 days");
  expect(reasonOf(done, held)).toBe("remove: a daily older than 7 days and held by weekly/2026-W45.tar.gz");
  expect(reasonOf(done, unheld)).toBe("keep: no weekly archive verifiably holds it yet");
});

test("a daily that no archive ever took goes when its archive would have gone", () => {
  const [before, after] = [dump(83), dump(85)];
  const done = apply([dump(0), before, after]);
  expect(reasonOf(done, before)).toMatch("keep: no weekly archive");
  expect(reasonOf(done, after)).toBe("remove: a daily older than 7 days");
});

test("a damaged daily does not count as the last good backup", () => {
  const bad = dump(8, { isGood: false });
  const good = dump(40, { archivedIn: "weekly/2026-W40.tar.gz" });
  const done = apply([bad, good]);
  expect(reasonOf(done, good)).toBe("keep: last good backup of shop");
  expect(reasonOf(done, bad)).toBe("keep: no newer good backup of shop");
});

test("nothing of a database without any good backup is removed", () => {
  const all = [dump(1, { isGood: false }), dump(200, { isGood: false }), dump(300, { kind: "manual", isGood: false })];
  expect(apply(all).remove).toEqual([]);
});

test("manual backups have their own age", () => {
  const manual = dump(29, { kind: "manual" });
  const old = dump(31, { kind: "manual" });
  const done = apply([dump(0), manual, old]);
  expect(reasonOf(done, manual)).toBe("keep: a manual backup of less than 30 days");
  expect(reasonOf(done, old)).toBe("remove: a manual backup older than 30 days");
});

test("an archive goes after 12 weeks, unless it alone holds the last good backup of a database", () => {
  const young = archive(83, { shop: 83 });
  const old = archive(85, { shop: 85, gone: 85, lost: 87 });
  const done = apply([dump(0), young, old]);
  expect(reasonOf(done, young)).toBe("keep: an archive of less than 12 weeks");
  expect(reasonOf(done, old)).toBe("keep: holds the last good backup of gone, lost");
  expect(done.rescues).toEqual([
    { archive: old.key, database: "gone", at: NOW - 85 * DAY },
    { archive: old.key, database: "lost", at: NOW - 87 * DAY },
  ]);
});

test("an archive goes once its last good backups are copied out", () => {
  const old = archive(85, { gone: 85 });
  const copy = dump(85, { database: "gone" });
  const done = apply([old, copy]);
  expect(reasonOf(done, old)).toBe("remove: an archive older than 12 weeks");
  expect(reasonOf(done, copy)).toBe("keep: last good backup of gone");
  expect(done.rescues).toEqual([]);
});

test("of two old archives the newer keeps the older one's databases safe", () => {
  const [newer, older] = [archive(90, { gone: 90 }), archive(97, { gone: 97 })];
  const done = apply([older, newer]);
  expect(reasonOf(done, older)).toMatch("remove");
  expect(reasonOf(done, newer)).toMatch("keep: holds the last good backup of gone");
});

test("a damaged archive is not copied out of, and stays while nothing else exists", () => {
  const bad = archive(90, { gone: 90 }, { isGood: false });
  const done = apply([bad]);
  expect(reasonOf(done, bad)).toBe("keep: no other backup exists of gone");
  expect(done.rescues).toEqual([]);
});

test("tiers keep all for 7 days, then one a day, a week, a month and a year", () => {
  const backups = Array.from({ length: 1_100 }, (_, age) => dump(age, { archivedIn: "weekly/x.tar.gz" }));
  const twice = backups.map((one) => ({ ...one, key: `${one.key}-again`, at: one.at + HOUR }));
  const { keep } = applyRetention(
    [...backups, ...twice],
    { ...POLICY, dumps: TIERS },
    { now: NOW + HOUR, lastTick: NOW },
  );
  const inTier = (word: string) => keep.filter(({ reason }) => reason.startsWith(`newest of the ${word}`)).length;
  expect(keep.filter(({ reason }) => reason.startsWith("a daily of less than 7"))).toHaveLength(14);
  expect([inTier("day"), inTier("week"), inTier("month"), inTier("year")]).toEqual([30, 9, 5, 3]);
});

test("a policy of one database replaces the policy for all", () => {
  const overrides = new Map([["shop", { ...DEFAULT_DUMPS, dailyDays: 2 }]]);
  const held = { archivedIn: "weekly/x.tar.gz" };
  const [shop, blog] = [dump(3, held), dump(3, { ...held, database: "blog" })];
  const done = apply([dump(0), dump(0, { database: "blog" }), shop, blog], { ...POLICY, overrides });
  expect(reasonOf(done, shop)).toMatch("remove: a daily older than 2 days");
  expect(reasonOf(done, blog)).toMatch("keep");
});

test("a size limit lets the oldest go first, but never the last good one nor what no archive holds", () => {
  const held = { archivedIn: "weekly/x.tar.gz" };
  const backups = [dump(0), dump(1, held), dump(2), dump(3, held), dump(4, held)];
  const dumps = { ...DEFAULT_DUMPS, maxBytes: 3_500 };
  const done = apply(backups, { ...POLICY, dumps });
  expect(done.remove.map(({ key }) => key)).toEqual([backups[3]?.key, backups[4]?.key]);
  expect(done.remove[0]?.reason).toBe("over the size limit of 3.5 KB, and the oldest");
  const tight = apply(backups, { ...POLICY, dumps: { ...dumps, maxBytes: 1 } });
  expect(tight.keep.map(({ key }) => key)).toEqual([backups[0]?.key, backups[2]?.key]);
});

const OLD = [dump(0), dump(400, { archivedIn: "weekly/x.tar.gz" }), archive(400, { shop: 400 })];

test.each([
  ["no tick has run yet", { now: NOW, lastTick: null }],
  ["the last tick was more than 48 hours ago", { now: NOW, lastTick: NOW - 49 * HOUR }],
  ["the last tick was more than 48 hours ago", { now: NOW + 365 * DAY, lastTick: NOW }],
  ["the last tick was more than 48 hours ago", { now: Number.NaN, lastTick: NOW }],
  ["the clock is behind the newest backup", { now: NOW - 1, lastTick: NOW - 1 }],
])("nothing is removed when %s", (reason, moment) => {
  const done = applyRetention(OLD, POLICY, moment);
  expect(done.remove).toEqual([]);
  expect(done.rescues).toEqual([]);
  expect(done.keep.map((one) => one.reason).every((text) => text.includes(reason))).toBe(true);
});

const broken: [string, Partial<Record<string, unknown>>][] = [
  ["0 days", { dailyDays: 0 }],
  ["negative days", { dailyDays: -7 }],
  ["days that are no number", { dailyDays: Number.NaN }],
  ["half a day", { dailyDays: 0.5 }],
  ["missing days", { dailyDays: undefined }],
  ["0 bytes", { maxBytes: 0 }],
  ["broken bytes", { maxBytes: Number.NaN }],
  ["0 days for manual backups", { manualDays: 0 }],
  ["tiers of no days", { ...TIERS, allDays: 0 }],
  ["negative tiers", { ...TIERS, weekly: -1 }],
];

test.each(broken)("nothing is removed under a policy with %s, for all or for one database", (_, change) => {
  const wrong = { ...DEFAULT_DUMPS, ...change } as DumpPolicy;
  expect(apply(OLD, { ...POLICY, dumps: wrong }).remove).toEqual([]);
  expect(apply(OLD, { ...POLICY, overrides: new Map([["shop", wrong]]) }).remove).toEqual([]);
});

test.each([0, -1, Number.NaN, 1.5])("nothing is removed when archives are kept for %d weeks", (weeklyWeeks) => {
  expect(apply(OLD, { ...POLICY, weeklyWeeks }).remove).toEqual([]);
});

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
  .record({ ages: fc.array(fc.tuple(name, age), { minLength: 1, maxLength: 3 }), isGood: fc.boolean() })
  .map(({ ages, isGood }) => archive(Math.min(...ages.map(([, days]) => days)), Object.fromEntries(ages), { isGood }));
const anyInventory = fc
  .tuple(fc.array(anyDump, { maxLength: 25 }), fc.array(anyArchive, { maxLength: 6 }))
  .map(([dumps, archives]): StoredBackup[] =>
    [...dumps, ...archives].map((one, i) => ({ ...one, key: `${one.kind}/${i}` })),
  );

/** When the newest good backup of a database was finished; -1 when there is none. */
function newestGood(backups: readonly StoredBackup[], database: string): number {
  const times = backups.flatMap((one) => {
    if (!one.isGood) return [];
    if (one.kind === "weekly") return [one.members.get(database) ?? -1];
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
        const covered = one.kind === "weekly" ? [...one.members] : [[one.database, one.at] as const];
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
          backups = backups.map((one, n) => (n === damaged % backups.length ? { ...one, isGood: false } : one));
        }
        const before = newestGood(backups, "shop");
        const { remove, rescues } = applyRetention(backups, policy, {
          now: at + (jump ?? 0) * DAY,
          lastTick: at - DAY,
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
    isGood: true,
    members: new Map([["shop", newest]]),
  };
  return [...backups.map((one) => (isMember(one) ? { ...one, archivedIn: key } : one)), whole];
}
