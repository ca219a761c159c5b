import fc from "fast-check";
import { expect, test } from "vitest";
import { DAY, HOUR, MINUTE } from "./date.ts";
import { needsAttention, STANDINGS, type Standing } from "./standing.ts";
import { type Member, truth } from "./truth.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const SOON = { now: NOW, nextRun: NOW + 5 * HOUR + 12 * MINUTE, progress: null };

function fleet(...members: [name: string, standing: Standing, age: number | null][]): Member[] {
  return members.map(([name, standing, age]) => ({ name, standing, goodAt: age === null ? null : NOW - age }));
}

test.each<[Member[], string]>([
  [[], "No database is registered, so nothing is backed up"],
  [fleet(["a", "good", HOUR]), "The only database is backed up; next run in 5 h 12 min"],
  [fleet(["a", "good", HOUR], ["b", "good", HOUR]), "Both databases are backed up; next run in 5 h 12 min"],
  [
    fleet(["a", "good", HOUR], ["b", "good", HOUR], ["c", "fuzzy", HOUR], ["d", "paused", null]),
    "All 3 databases are backed up, 1 of them fuzzy; next run in 5 h 12 min",
  ],
  [
    fleet(["a", "good", HOUR], ["b", "waiting", null]),
    "1 of 2 databases are backed up, 1 waits; next run in 5 h 12 min",
  ],
  [
    fleet(["shop", "overdue", 2 * DAY], ["scout-db", "failing", 3 * DAY], ["a", "good", HOUR]),
    "2 databases need attention: scout-db has not had a good backup for 3 days",
  ],
  [fleet(["a", "failing", null]), "1 database needs attention: a has never had a good backup"],
  [
    fleet(["a", "failing", 5 * HOUR]),
    "1 database needs attention: the last run of a failed, its newest good backup is 5 h old",
  ],
  [
    fleet(["a", "overdue", 23 * HOUR]),
    "1 database needs attention: a missed its last run, its newest good backup is 23 h old",
  ],
  [fleet(["a", "paused", HOUR]), "The only database is paused: nothing is backed up"],
])("truth() of a fleet is %#", (members, sentence) => {
  expect(truth(members, SOON).sentence).toBe(sentence);
});

test("while a job runs the sentence tells how far it is, unless something is wrong", () => {
  const progress = { done: 4, total: 6 };
  expect(truth(fleet(["a", "good", HOUR]), { ...SOON, progress })).toEqual({
    tone: "running",
    sentence: "Backing up now: 4 of 6 databases done",
  });
  expect(truth(fleet(["a", "failing", HOUR]), { ...SOON, progress }).tone).toBe("attention");
});

const Fleet = fc.uniqueArray(
  fc.record({
    name: fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,12}$/),
    standing: fc.constantFrom(...STANDINGS),
    goodAt: fc.option(fc.integer({ min: NOW - 400 * DAY, max: NOW })),
  }),
  { selector: ({ name }) => name, maxLength: 50 },
);

test("truth() asks for attention exactly when a database needs it, counts them, and names one that waited longest", () => {
  fc.assert(
    fc.property(Fleet, (members) => {
      const bad = members.filter(({ standing }) => needsAttention(standing));
      const { tone, sentence } = truth(members, SOON);
      if (bad.length === 0) {
        expect(sentence).not.toContain("attention");
        return;
      }
      expect(tone).toBe("attention");
      expect(sentence).toMatch(new RegExp(`^${bad.length} database`));
      const oldest = Math.min(...bad.map(({ goodAt }) => goodAt ?? -1));
      expect(bad.some(({ name, goodAt }) => (goodAt ?? -1) === oldest && sentence.includes(name))).toBe(true);
    }),
  );
});

test("truth() says that all are backed up only when every enabled one is", () => {
  fc.assert(
    fc.property(Fleet, (members) => {
      const enabled = members.filter(({ standing }) => standing !== "paused");
      const isWell = enabled.length > 0 && enabled.every(({ standing }) => standing === "good" || standing === "fuzzy");
      expect(truth(members, SOON).tone === "good").toBe(isWell);
    }),
  );
});

test("truth() is the same in whatever order the databases come", () => {
  fc.assert(
    fc.property(Fleet, (members) => {
      expect(truth([...members].reverse(), SOON)).toEqual(truth(members, SOON));
    }),
  );
});
