import { expect, test } from "vitest";
import { firstOfDates } from "./first-of-dates.ts";

type Run = Parameters<typeof firstOfDates>[0][number] & { readonly job: string };

const NIGHTLY: Run = { job: "n", date: "2026-11-20", kind: "nightly", damage: null, isStored: true, archivedIn: null };
const LATER = { ...NIGHTLY, job: "m2", kind: "manual" };
const EARLIER = { ...NIGHTLY, job: "m1", kind: "manual" };

function jobOf(runs: readonly Run[]): string | undefined {
  return firstOfDates(runs).get("2026-11-20")?.job;
}

test("a date stands for its nightly, or else for its newest manual backup", () => {
  expect(jobOf([LATER, EARLIER, NIGHTLY])).toBe("n");
  expect(jobOf([LATER, EARLIER])).toBe("m2");
});

test("a damaged backup stands for its date only when there is no other, and one that is gone never", () => {
  const damaged = { ...NIGHTLY, damage: "It rots" };
  expect(jobOf([LATER, EARLIER, damaged])).toBe("m2");
  expect(jobOf([damaged])).toBe("n");
  expect(jobOf([{ ...NIGHTLY, isStored: false }])).toBeUndefined();
});

test("what only an archive holds stands for its date when nothing better is left", () => {
  const archived = { ...NIGHTLY, isStored: false, archivedIn: "2026-W47" };
  expect(jobOf([archived])).toBe("n");
  expect(jobOf([LATER, archived])).toBe("m2");
  expect(jobOf([{ ...LATER, damage: "It rots" }, archived])).toBe("n");
});

test("every date has its own", () => {
  const before = { ...NIGHTLY, date: "2026-11-19" };
  expect([...firstOfDates([NIGHTLY, before]).keys()].sort()).toEqual(["2026-11-19", "2026-11-20"]);
});
