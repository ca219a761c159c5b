import fc from "fast-check";
import { expect, test } from "vitest";
import { DAY, MINUTE } from "./date.ts";
import { causeOf, chooseDrills, type Drilled, monthlyTime, monthOf, type Wanted } from "./drill-schedule.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");

function drilled(change: Partial<Drilled> = {}): Drilled {
  const last = { at: NOW - DAY, verdict: "passed" } as const;
  return {
    database: "shop",
    backupAt: NOW - 2 * DAY,
    backupSchema: "a",
    last,
    lastSchema: "a",
    gaveUpAt: null,
    ...change,
  };
}

test("a database is drilled with its first backup, after another schema, after a failure, and not again without reason", () => {
  expect(causeOf(drilled({ last: null, lastSchema: null }), NOW)).toBe("first");
  expect(causeOf(drilled({ backupSchema: "b" }), NOW)).toBe("schema");
  const failed = { at: NOW - DAY, verdict: "failed" } as const;
  expect(causeOf(drilled({ last: failed }), NOW)).toBeNull();
  expect(causeOf(drilled({ last: failed, backupAt: NOW - 1 }), NOW)).toBe("first");
  expect(causeOf(drilled(), NOW)).toBeNull();
  // Manifests of before there was a digest of the schema.
  expect(causeOf(drilled({ backupSchema: null }), NOW)).toBeNull();
  expect(causeOf(drilled({ lastSchema: null }), NOW)).toBeNull();
});

test("what was given up is tried again a day later", () => {
  const never = { last: null, lastSchema: null };
  expect(causeOf(drilled({ ...never, gaveUpAt: NOW - DAY + 1 }), NOW)).toBeNull();
  expect(causeOf(drilled({ ...never, gaveUpAt: NOW - DAY }), NOW)).toBe("first");
});

test("every database is drilled once a month, at a time of its own, however the ticks fall", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 0, max: 365 * 288 }), (database, start) => {
      const from = Date.parse("2026-01-01T00:00:00Z") + start * 5 * MINUTE;
      let last = from;
      const times: number[] = [];
      for (let now = from; now < from + 120 * DAY; now += 3 * 60 * MINUTE) {
        const known = drilled({ database, last: { at: last, verdict: "passed" } });
        if (causeOf(known, now) === null) continue;
        times.push(now);
        last = now;
      }
      expect(times.length).toBeGreaterThanOrEqual(3);
      expect(times.length).toBeLessThanOrEqual(4);
      // By the month in which each was due: the tick after the last minutes of February is in March.
      const dues = times.map((time) => monthlyTime(database, time));
      const months = dues.map((due) => new Date(due).toISOString().slice(0, 7));
      expect(new Set(months).size).toBe(months.length);
    }),
    { numRuns: 200, examples: [["@]%}NJ@v CN", 0]] },
  );
});

test("the monthly times of many databases are spread evenly over 28 days", () => {
  const days = new Array<number>(28).fill(0);
  for (let i = 0; i < 2_800; i += 1) {
    const time = monthlyTime(`database-${i}`, Date.parse("2026-11-29T00:00:00Z"));
    expect(time).toBeGreaterThanOrEqual(monthOf(NOW));
    const day = Math.floor((time - monthOf(NOW)) / DAY);
    days[day] = (days[day] ?? 0) + 1;
  }
  for (const count of days) expect(count).toBeGreaterThan(50);
});

test("chooseDrills() takes the most urgent first and never more rows than the budget has", () => {
  const causes = fc.constantFrom("asked", "first", "schema", "monthly");
  const wanted = fc.record({
    drill: fc.string(),
    cause: causes,
    priority: fc.integer({ min: 0, max: 2 }),
    rows: fc.nat(100),
  });
  fc.assert(
    fc.property(fc.array(wanted), fc.nat(10), fc.nat(300), (all: Wanted<string>[], room, rows) => {
      const { chosen, held } = chooseDrills(all, { room, rows });
      expect(chosen.length).toBeLessThanOrEqual(room);
      expect(chosen.reduce((sum, one) => sum + one.rows, 0)).toBeLessThanOrEqual(rows);
      if (held === 0) expect(chosen.length).toBe(Math.min(room, all.length));
    }),
  );
  const some = [
    { drill: "monthly", cause: "monthly", priority: 0, rows: 1 },
    { drill: "huge", cause: "first", priority: 0, rows: 1_000 },
    { drill: "normal", cause: "schema", priority: 2, rows: 1 },
    { drill: "critical", cause: "schema", priority: 0, rows: 1 },
  ] as const;
  const { chosen, held } = chooseDrills(some, { room: 2, rows: 100 });
  expect(chosen.map(({ drill }) => drill)).toEqual(["critical", "normal"]);
  expect(held).toBe(1);
});
