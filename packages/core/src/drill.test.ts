import { expect, test } from "vitest";
import { type Check, reasonOf, VERDICTS, verdictOf } from "./drill.ts";

function check(end: Check["end"]): Check {
  return { name: "rows", end, findings: end === "passed" ? [] : [`It is ${end}`] };
}

test("a drill is as good as the worst of its checks, whatever their order", () => {
  for (const one of VERDICTS) {
    for (const other of VERDICTS) {
      const worst = VERDICTS[Math.max(VERDICTS.indexOf(one), VERDICTS.indexOf(other))];
      expect(verdictOf([check(one), check(other)])).toBe(worst);
      expect(reasonOf([check(one), check(other)])).toBe(worst === "passed" ? null : `It is ${worst}`);
    }
  }
});

test("a drill that checked nothing has not passed", () => {
  expect(verdictOf([])).toBe("unprovable");
  expect(reasonOf([])).toBe("Nothing was checked");
});
