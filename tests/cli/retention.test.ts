import { afterAll, beforeEach, expect, test } from "vitest";
import { AnsweringServer } from "./answering-server.ts";
import { patina } from "./command.ts";
import { REMOVED_ENTRY } from "./removed-entry.ts";

/** `patina retention`: what is kept how long, looked at and set over the API. */

const server = await AnsweringServer.start();
const { answers, asked, env } = server;

afterAll(() => server.stop());

beforeEach(() => server.forget());

function run(args: readonly string[]) {
  return patina(args, { env });
}

const SETTINGS = {
  retention: { kind: "age", daily_days: 7, manual_days: 30, max_bytes: null },
  weekly_weeks: 12,
  verify_bytes: 50_000_000_000,
  drill_rows: 25_000_000,
  overrides: [{ database: "shop", retention: { kind: "age", daily_days: 60, manual_days: 30, max_bytes: 5e9 } }],
  updated_at: null,
};

test("patina retention show says what is kept how long, and which databases have their own", async () => {
  answers.set("GET /retention", [SETTINGS]);
  expect(await run(["retention", "show"])).toMatchObject({
    exit: 0,
    out: [
      "kept         dailies for 7 days, manual backups for 30 days, archives for 12 weeks",
      "of shop      dailies for 60 days, manual backups for 30 days, together at most 5.0 GB a database",
      "verification reads at most 50.0 GB a day",
      "drills       write at most 25,000,000 rows a month",
      "set          never: these are the defaults\n",
    ].join("\n"),
  });
  expect(JSON.parse((await run(["retention", "show", "--json"])).out)).toEqual(SETTINGS);
});

test("patina retention set changes what is named, and leaves the rest as it was", async () => {
  answers.set("GET /retention", [SETTINGS]);
  answers.set("PUT /retention", [{ ...SETTINGS, updated_at: "2026-11-20T12:00:00.000Z" }]);
  const args = ["retention", "set", "--daily-days", "14", "--max-size", "5GB", "--drill-rows", "0"];
  const { exit, out, err } = await run(args);
  expect(exit, err).toBe(0);
  expect(asked.at(-1)).toEqual({
    request: "PUT /retention",
    body: {
      retention: { kind: "age", daily_days: 14, manual_days: 30, max_bytes: 5_000_000_000 },
      weekly_weeks: 12,
      verify_bytes: 50_000_000_000,
      drill_rows: 0,
    },
  });
  expect(out).toContain("2026-11-20T12:00:00.000Z");
  expect(err).toBe("Nothing goes before the next prune: patina prune --dry-run shows what would.\n");
});

test("patina retention set --max-size none takes the limit away", async () => {
  answers.set("GET /retention", [{ ...SETTINGS, retention: { ...SETTINGS.retention, max_bytes: 5e9 } }]);
  answers.set("PUT /retention", [SETTINGS]);
  const { exit, err } = await run(["retention", "set", "--max-size", "none"]);
  expect(exit, err).toBe(0);
  expect(asked.at(-1)).toMatchObject({ request: "PUT /retention", body: { retention: SETTINGS.retention } });
});

test("patina retention set --dry-run shows what would go if it were set, and sets nothing", async () => {
  answers.set("GET /retention", [SETTINGS]);
  const retention = { kind: "tiers", all_days: 3, daily: 9, weekly: 0, monthly: 0, yearly: 0 };
  const query = new URLSearchParams({
    limit: "100",
    decision: "remove",
    retention: JSON.stringify({ ...retention, manual_days: 30, max_bytes: null }),
    weekly_weeks: "2",
  });
  const page = { as_of: "2026-11-20T12:00:00.000Z", doubt: null, entries: [REMOVED_ENTRY], next_cursor: null };
  answers.set(`GET /retention/preview?${query}`, [page]);
  const args = ["retention", "set", "--all-days", "3", "--daily", "9", "--weekly-weeks", "2", "--dry-run"];
  const { exit, out, err } = await run(args);
  expect(exit, err).toBe(0);
  expect(out).toContain(`remove\t${REMOVED_ENTRY.key}\t61000\t0\t${REMOVED_ENTRY.reason}\n`);
  expect(err.split("\n")).toEqual([
    "Kept would be every daily for 3 days, then one a day for 9 days, manual backups for 30 days, archives for 2 weeks.",
    "1 object would be removed, 61.0 KB.",
    "Nothing was set: this is a dry run.",
    "",
  ]);
  const told = JSON.parse((await run([...args, "--json"])).out);
  expect(told).toMatchObject({ weekly_weeks: 2, retention, doubt: null, entries: [REMOVED_ENTRY] });
  expect(asked.filter(({ request }) => request.startsWith("PUT"))).toEqual([]);
});

test.each([
  ["nothing", [], /nothing was said/],
  ["an age and tiers", ["--daily-days", "7", "--weekly", "4"], /cannot be used with option '--weekly <weeks>'/],
  ["no number of days", ["--daily-days", "7.5"], /It is a whole number/],
  ["less than nothing", ["--weekly-weeks", "-1"], /It is a whole number/],
  ["tiers without their first", ["--weekly", "4"], /Cannot set tiers: .*\nTry: patina retention set --all-days 7/],
])("patina retention set with %s is refused with 2, and sets nothing", async (_, args, sentence) => {
  answers.set("GET /retention", [SETTINGS]);
  const { exit, out, err } = await run(["retention", "set", ...args]);
  expect(err).toMatch(sentence);
  expect({ exit, out }).toEqual({ exit: 2, out: "" });
  expect(asked.filter(({ request }) => request.startsWith("PUT"))).toEqual([]);
});
