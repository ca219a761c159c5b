import { expect, test } from "vitest";
import { DAY, HOUR } from "./date.ts";
import { applyRetention } from "./retention.ts";
import { DEFAULT_DUMPS, type DumpPolicy } from "./retention-policy.ts";
import { apply, archive, dump, moment, NOW, POLICY, reasonOf, TIERS } from "./testing-backups.ts";

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

test("an archive of which nobody knows what it holds stays", () => {
  const unknown = archive(500, {}, { members: null });
  expect(reasonOf(apply([dump(0), unknown]), unknown)).toBe("keep: what it holds is not known");
});

test("an archive whose newest backup of a database is doubtful is copied out of and stays", () => {
  const held = { newest: NOW - 90 * DAY, good: NOW - 92 * DAY };
  const doubtful = archive(90, {}, { members: new Map([["gone", held]]) });
  const done = apply([doubtful]);
  expect(done.rescues).toEqual([{ archive: doubtful.key, database: "gone", at: held.good }]);
  const copied = apply([doubtful, dump(92, { database: "gone" })]);
  expect(reasonOf(copied, doubtful)).toBe("keep: no other backup exists of gone");
  expect(copied.rescues).toEqual([]);
  expect(reasonOf(apply([doubtful, dump(0, { database: "gone" })]), doubtful)).toMatch("remove");
});

test("tiers keep all for 7 days, then one a day, a week, a month and a year", () => {
  const backups = Array.from({ length: 1_100 }, (_, age) => dump(age, { archivedIn: "weekly/x.tar.gz" }));
  const twice = backups.map((one) => ({ ...one, key: `${one.key}-again`, at: one.at + HOUR }));
  const { keep } = applyRetention([...backups, ...twice], { ...POLICY, dumps: TIERS }, moment(NOW + HOUR));
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
  ["no tick has run yet", { now: NOW, ticks: null }],
  ["the last tick was more than 48 hours ago", moment(NOW, { last: NOW - 49 * HOUR })],
  ["the last tick was more than 48 hours ago", moment(NOW + 365 * DAY, { last: NOW })],
  ["the last tick was more than 48 hours ago", moment(Number.NaN)],
  ["the tick has run again for less than 48 hours", moment(NOW, { since: NOW - 47 * HOUR })],
  ["the clock is behind the newest backup", moment(NOW - 1)],
])("nothing is removed when %s", (reason, when) => {
  const done = applyRetention(OLD, POLICY, when);
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

test.each([0, -1, Number.NaN, 1.5, 1e9])("nothing is removed when archives are kept for %d weeks", (weeklyWeeks) => {
  expect(apply(OLD, { ...POLICY, weeklyWeeks }).remove).toEqual([]);
});
