import { expect, test } from "vitest";
import { judgeArchive, oldEnoughAt } from "./archive-retention.ts";
import { HOUR } from "./date.ts";

test("an archive of a whole week is old enough when so many weeks have passed since its last night, and not before", () => {
  const at = oldEnoughAt("2026-W47", 12);
  expect(new Date(at).toISOString()).toBe("2027-02-14T03:00:00.000Z");
  const newest = Date.parse("2026-11-22T03:00:00Z");
  const held = new Map([["shop", { newest, good: newest }]]);
  const archive = { kind: "weekly", key: "weekly/2026-W47.tar.gz", at: newest, bytes: 1, members: held } as const;
  const judged = (now: number) =>
    judgeArchive(archive, { weeklyWeeks: 12, now, elsewhere: new Map([["shop", newest + HOUR]]) }).verdict.isKept;
  expect(judged(at - 1)).toBe(true);
  expect(judged(at)).toBe(false);
});
