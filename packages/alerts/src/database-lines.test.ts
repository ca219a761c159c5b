import { expect, test } from "vitest";
import { failuresFirst, linesOf } from "./database-lines.ts";
import type { AlertEvent } from "./event.ts";
import { failed, good, reportOf } from "./testing.ts";

const JOB = "nightly-2026-11-20";

function lines(event: AlertEvent, database = good("shop")): string[] {
  const found = linesOf(database, reportOf([database], { event }));
  return found.map(({ label, text }) => (label === null ? text : `${label}: ${text}`));
}

test("failuresFirst() keeps the order within a state", () => {
  const all = [good("a"), failed("b"), good("c", { state: "waiting" }), failed("d"), good("e")];
  expect(failuresFirst(all).map(({ name }) => name)).toEqual(["b", "d", "c", "a", "e"]);
});

test("a recovered database says how often it had failed and since when", () => {
  const back = good("shop", { failures: 2, failingSince: Date.parse("2026-11-18T03:00:09Z") });
  expect(lines({ kind: "recovered", job: JOB, replayed: null }, back)[0]).toBe(
    "after 2 failed runs since 2026-11-18 03:00 UTC",
  );
});

test("a deviating size is set against the median, with its share and sign", () => {
  const event: AlertEvent = { kind: "size-deviated", job: JOB, replayed: null };
  const small = good("shop", { rawBytes: 40_000, baselineBytes: 100_000 });
  const large = good("shop", { rawBytes: 1_700_000, baselineBytes: 100_000 });
  expect(lines(event, small)[0]).toBe("40.0 KB of SQL against 100 KB, the median of the good ones before it (−60 %)");
  expect(lines(event, large)[0]).toContain("(+1,600 %)");
  expect(lines(event, good("shop", { rawBytes: 5, baselineBytes: 0 }))[0]).not.toContain("%");
});

test("a damaged backup names the last good one with its age", () => {
  const event: AlertEvent = { kind: "verify-mismatch", content: "e", key: "k", database: "shop", error: "" };
  expect(lines(event)).toEqual(["Last good backup: 2026-11-20 03:00 UTC, 6.0 s old (daily/2026-11-20/shop.sql.gz)"]);
});

test("warnings of a good backup are told with it", () => {
  expect(lines({ kind: "job-completed", job: JOB }, good("shop", { warnings: ["No FTS5 text"] }))).toContain(
    "Warning: No FTS5 text",
  );
});
