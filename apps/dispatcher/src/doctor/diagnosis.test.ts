import { expect, test } from "vitest";
import { diagnose, type Facts } from "./diagnosis.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");

const SHOP = { name: "shop", binding: "DB_SHOP", isEnabled: true, needsKey: false, isFailing: false };

/** A deployment in which everything is as it should be, but for what a test says. */
function facts(change: Partial<Facts> = {}): Facts {
  return {
    now: NOW,
    tokens: { ADMIN_TOKEN: 64, READ_TOKEN: 0 },
    hasAccess: false,
    isLocal: false,
    hasAlertKey: true,
    home: { is: "set", url: "https://patina.example" },
    hasRedactionKey: false,
    hasBucket: true,
    backlogs: { "patina-exports": 0 },
    exporters: [{ shard: 0, bindings: ["CATALOG", "DB_SHOP"], publishedAt: NOW - 120_000 }],
    databases: [SHOP],
    runs: {
      nightly: { job: "nightly-2026-11-20", trigger: "cron" },
      weekly: { job: "weekly-2026-11-15", trigger: "cron" },
    },
    since: NOW - 30 * 86_400_000,
    channels: { enabled: 1, all: 1 },
    openLetters: 0,
    ...change,
  };
}

test("of a deployment that is as it should be nothing is bad, and there is nothing to do", () => {
  const found = diagnose(facts());
  expect(found.filter(({ end, next }) => end !== "good" || next !== null)).toEqual([]);
  expect(new Set(found.map(({ subject, name }) => `${subject} ${name}`)).size).toBe(found.length);
});

test.each<[string, Partial<Facts>, string, string, RegExp]>([
  ["no token", { tokens: { ADMIN_TOKEN: 0, READ_TOKEN: 0 } }, "secret ADMIN_TOKEN", "bad", /not set, and nobody/],
  ["a short token", { tokens: { ADMIN_TOKEN: 64, READ_TOKEN: 8 } }, "secret READ_TOKEN", "bad", /shorter than 32/],
  ["no key for channels", { hasAlertKey: false }, "secret ALERT_KEY", "warning", /no channel can be added/],
  [
    "an aggregator that is gone",
    { hasAlertKey: null, home: null },
    "secret ALERT_KEY",
    "bad",
    /the aggregator does not answer/,
  ],
  ["no address to link to", { home: { is: "unset" } }, "variable PUBLIC_URL", "warning", /not set: .* no link/],
  ["an address of nothing", { home: { is: "unusable" } }, "variable PUBLIC_URL", "warning", /no address such as/],
  [
    "a rule without its key",
    { databases: [{ ...SHOP, needsKey: true }] },
    "secret REDACTION_KEY",
    "bad",
    /shop cannot be backed up/,
  ],
  [
    "an exporter that is gone",
    { hasRedactionKey: null },
    "secret REDACTION_KEY",
    "bad",
    /the exporter does not answer/,
  ],
  ["no bucket", { hasBucket: false }, "bucket BUCKET", "bad", /cannot read it/],
  ["a queue that is gone", { backlogs: { "patina-upkeep": null } }, "queue patina-upkeep", "bad", /does not answer/],
  ["a cron that never came", { exporters: [] }, "schedule exporter", "bad", /its cron has never run/],
  [
    "a cron that stopped",
    { exporters: [{ shard: 0, bindings: ["DB_SHOP"], publishedAt: NOW - 16 * 60_000 }] },
    "schedule exporter",
    "bad",
    /ran 16 min ago, and should every five minutes/,
  ],
  [
    "a database without a binding",
    { databases: [SHOP, { ...SHOP, name: "blog", binding: "DB_BLOG" }] },
    "binding DB_BLOG",
    "bad",
    /none for blog/,
  ],
  [
    "a night that did not begin",
    { runs: { ...facts().runs, nightly: { job: "nightly-2026-11-19", trigger: "cron" } } },
    "schedule nightly",
    "bad",
    /nightly-2026-11-20 did not begin: the last run was nightly-2026-11-19/,
  ],
  ["a week that did not begin", { runs: { ...facts().runs, weekly: null } }, "schedule weekly", "bad", /never a run/],
  [
    "a night that the tick began",
    { runs: { ...facts().runs, nightly: { job: "nightly-2026-11-20", trigger: "tick" } } },
    "schedule nightly",
    "warning",
    /begun by the tick/,
  ],
  ["no channel", { channels: { enabled: 0, all: 0 } }, "channel alerts", "warning", /there is none/],
  ["channels that are off", { channels: { enabled: 0, all: 2 } }, "channel alerts", "warning", /all 2 are off/],
  ["open dead letters", { openLetters: 3 }, "letters dead letters", "warning", /3 wait/],
  ["a failing database", { databases: [{ ...SHOP, isFailing: true }] }, "databases databases", "bad", /shop: failing/],
  ["no database", { databases: [] }, "databases databases", "warning", /none is backed up/],
])("%s is named, with what to do", (_, change, what, end, detail) => {
  const found = diagnose(facts(change)).filter((finding) => finding.end !== "good");
  const [first] = found.filter(({ subject, name }) => `${subject} ${name}` === what);
  expect(first).toMatchObject({ end, detail: expect.stringMatching(detail), next: expect.any(String) });
  expect(found).toHaveLength(1);
});

test("what could not have happened yet, and what is paused, is held against nobody", () => {
  const found = diagnose(
    facts({
      since: NOW - 1_000,
      runs: { nightly: null, weekly: null },
      databases: [SHOP, { ...SHOP, name: "old", binding: "DB_OLD", isEnabled: false, isFailing: true }],
    }),
  );
  expect(found.filter(({ end }) => end !== "good")).toEqual([]);
});

test("where alerts are to link to is set where the deployment is: in its files, or when it is started", () => {
  const nextOf = (isLocal: boolean) =>
    diagnose(facts({ home: { is: "unset" }, isLocal })).find(({ name }) => name === "PUBLIC_URL")?.next;
  expect(nextOf(false)).toMatch(/apps\/aggregator\/wrangler\.toml/);
  expect(nextOf(true)).toMatch(/--port/);
});

test("whoever comes in through Cloudflare Access needs no token", () => {
  const found = diagnose(facts({ tokens: { ADMIN_TOKEN: 0, READ_TOKEN: 0 }, hasAccess: true }));
  expect(found.filter(({ end }) => end !== "good")).toEqual([]);
});
