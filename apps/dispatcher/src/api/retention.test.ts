import { listAudit } from "@patina/catalog/audit";
import { publishBindings } from "@patina/catalog/exporter-bindings";
import { findPlan, openPlan } from "@patina/catalog/prune-plans";
import { archiveMembers, archives, backupInventory, prunePlans, pruneSteps, ticks } from "@patina/catalog/schema";
import { DAY, dateOf, HOUR } from "@patina/core/date";
import { beforeEach, expect, test } from "vitest";
import { type Ask, jsonOf, READ_TOKEN, TestApi } from "./testing.ts";

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start(["auth", "shop"]);
  await api.catalog.insert(ticks).values({ id: 1, last: api.now - HOUR, since: 0 });
});

function send(method: string, body: unknown, headers: Record<string, string> = {}): Ask {
  return { method, body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
}

const WEEK = { kind: "age", daily_days: 7, manual_days: 30, max_bytes: null };

/** Dailies of shop of the last days, and a weekly archive that is too old. */
async function storeDailies(days: number): Promise<void> {
  for (let age = 0; age < days; age += 1) {
    const at = api.now - age * DAY - HOUR;
    const key = `daily/${dateOf(at)}/shop.sql.gz`;
    const facts = { key, kind: "daily", database: "shop", date: dateOf(at), jobId: "job", size: 10 } as const;
    await api.catalog.insert(backupInventory).values({ ...facts, digest: key, etag: key, createdAt: at });
  }
  const at = api.now - 100 * DAY;
  const key = "weekly/2026-W33.tar.gz";
  const facts = { key, kind: "weekly", database: null, date: "2026-08-16", jobId: "job", size: 99 } as const;
  await api.catalog.insert(backupInventory).values({ ...facts, digest: "d", etag: "e", createdAt: at });
  const times = { startedAt: at, updatedAt: at, damaged: [] };
  await api.catalog
    .insert(archives)
    .values({ week: "2026-W33", jobId: "job", state: "checked", etag: "e", backups: 1, ...times });
  const place = { offset: 0, bytes: 5, digest: "0".repeat(64), rawBytes: 9, manifestOffset: 5, manifestBytes: 4 };
  const member = { database: "gone", date: "2026-08-14", week: "2026-W33", finishedAt: at, ...place };
  await api.catalog.insert(archiveMembers).values(member);
}

test("GET /retention shows the defaults as long as nobody has set anything", async () => {
  const answer = await api.json("/retention", { token: READ_TOKEN });
  expect(answer).toMatchObject({ retention: WEEK, weekly_weeks: 12, overrides: [], updated_at: null });
  expect(answer.verify_bytes).toBeGreaterThan(0);
});

test("PUT /retention sets what is kept, leaves budgets that are left out as they are, and is in the audit log", async () => {
  const tiers = { kind: "tiers", all_days: 7, daily: 30, weekly: 8, monthly: 4, yearly: 2, max_bytes: 1e9 };
  await api.json("/retention", send("PUT", { retention: WEEK, weekly_weeks: 12, verify_bytes: 5_000, drill_rows: 0 }));
  const changed = await api.json("/retention", send("PUT", { retention: tiers, weekly_weeks: 20 }));
  expect(changed).toMatchObject({
    retention: { ...tiers, manual_days: 30 },
    weekly_weeks: 20,
    verify_bytes: 5_000,
    drill_rows: 0,
    updated_at: "2026-11-20T12:00:00.000Z",
  });
  expect(await api.json("/retention")).toEqual(changed);
  const [line] = await listAudit(api.catalog, { limit: 5 });
  expect(line).toMatchObject({ action: "retention.change", detail: { weekly_weeks: 20, retention: { daily: 30 } } });
});

test.each([
  ["keeps nothing", { retention: { ...WEEK, daily_days: 0 }, weekly_weeks: 12 }, "daily_days must be 1 to 36600"],
  ["keeps archives for no time", { retention: WEEK, weekly_weeks: 0 }, "weekly_weeks must be 1 to 5200"],
  ["has a size of 0", { retention: { ...WEEK, max_bytes: 0 }, weekly_weeks: 12 }, "max_bytes must be above 0"],
  ["has an unknown field", { retention: { ...WEEK, keep: 1 }, weekly_weeks: 12 }, '"retention"'],
  ["lacks a number", { retention: { kind: "age" }, weekly_weeks: 12 }, '"retention"'],
  ["is of no kind", { retention: { kind: "none", daily_days: 7 }, weekly_weeks: 12 }, '"retention"'],
])("a retention that %s is refused, and changes nothing", async (_, body, reason) => {
  const answer = await api.ask("/retention", send("PUT", body));
  expect(answer.status).toBe(400);
  expect((await jsonOf(answer)).detail).toContain(reason);
  expect((await api.json("/retention")).updated_at).toBeNull();
  expect(await listAudit(api.catalog, { limit: 5 })).toEqual([]);
});

test("a database that the API owns can have a retention of its own, and lose it again", async () => {
  await publishBindings(api.catalog, { shard: 0, bindings: ["DB_NEWS"], publishedAt: api.now });
  await api.json("/databases", send("POST", { name: "news" }));
  const own = { ...WEEK, daily_days: 60 };
  const changed = await api.json("/databases/news", send("PATCH", { retention: { kind: "age", daily_days: 60 } }));
  expect(changed.retention).toEqual(own);
  expect((await api.json("/retention")).overrides).toEqual([{ database: "news", retention: own }]);
  expect((await api.json("/databases/news", send("PATCH", { priority: "high" }))).retention).toEqual(own);
  expect((await api.json("/databases/news", send("PATCH", { retention: null }))).retention).toBeNull();
  const wrong = await api.ask("/databases/news", send("PATCH", { retention: { ...own, daily_days: -1 } }));
  expect(wrong.status).toBe(400);
  expect((await api.ask("/databases/shop", send("PATCH", { retention: own }))).status).toBe(409);
});

test("GET /retention/preview says what would go now and why, in pages, and by database or decision", async () => {
  await storeDailies(90);
  const all: { key: string; decision: string; reason: string }[] = [];
  for (let cursor = "", more = true; more; ) {
    const page = await api.json(`/retention/preview?limit=7${cursor}`);
    expect(page).toMatchObject({ as_of: "2026-11-20T12:00:00.000Z", doubt: null });
    all.push(...page.entries);
    more = page.next_cursor !== null;
    cursor = `&cursor=${page.next_cursor}`;
  }
  expect(all).toHaveLength(91);
  expect(new Set(all.map(({ key }) => key)).size).toBe(91);
  expect(all[0]).toMatchObject({
    key: "weekly/2026-W33.tar.gz",
    kind: "weekly",
    database: null,
    decision: "keep",
    reason: "holds the last good backup of gone",
    to_copy_out: 1,
  });
  expect(all.filter(({ decision }) => decision === "remove")).toHaveLength(6);
  expect(all.at(-1)).toMatchObject({ key: "daily/2026-11-20/shop.sql.gz", reason: "a daily of less than 7 days" });
  const going = await api.json("/retention/preview?decision=remove&database=shop");
  expect(going.entries.map(({ key }: { key: string }) => key)).toEqual(
    [89, 88, 87, 86, 85, 84].map((age) => `daily/${dateOf(api.now - age * DAY - HOUR)}/shop.sql.gz`),
  );
  expect((await api.json("/retention/preview?database=auth")).entries).toEqual([]);
});

test("GET /retention/preview also says what would go if something else were set, and sets nothing", async () => {
  await storeDailies(90);
  const before = await api.json("/retention");
  const going = async (draft: Record<string, unknown>) => {
    const texts = Object.entries(draft).map(([name, value]) => [name, JSON.stringify(value)]);
    const query = new URLSearchParams({ ...Object.fromEntries(texts), limit: "100", decision: "remove" });
    return await api.ask(`/retention/preview?${query}`, { token: READ_TOKEN });
  };
  const keysOf = async (draft: Record<string, unknown>) =>
    (await jsonOf(await going(draft))).entries.map(({ key }: { key: string }) => key);
  expect(await keysOf({})).toHaveLength(6);
  // Without an archive that holds them, dailies stay until that archive would itself be too old.
  expect(await keysOf({ weekly_weeks: 2 })).toHaveLength(76);
  expect(await keysOf({ retention: { ...WEEK, daily_days: 89 } })).toHaveLength(1);
  for (const [draft, reason] of [
    [{ retention: { ...WEEK, daily_days: 0 } }, "Cannot set this retention: daily_days must be 1 to 36600"],
    [{ weekly_weeks: 0 }, "Cannot set this retention: weekly_weeks must be 1 to 5200"],
    [{ weekly_weeks: "x" }, 'Cannot read request: wrong are "weekly_weeks"'],
    [{ retention: { kind: "age" } }, 'Cannot read request: wrong are "retention"'],
  ] as const) {
    const refused = await going(draft);
    expect([refused.status, (await jsonOf(refused)).detail]).toEqual([400, reason]);
  }
  expect((await api.ask("/retention/preview?retention=%7B")).status).toBe(400);
  expect(await api.json("/retention")).toEqual(before);
});

test("while the clock is in doubt the preview removes nothing and says why", async () => {
  await storeDailies(90);
  await api.catalog.update(ticks).set({ last: api.now - 3 * DAY });
  const preview = await api.json("/retention/preview?limit=100");
  expect(preview.doubt).toBe("nothing is removed: the last tick was more than 48 hours ago");
  const decided = preview.entries as { decision: string; reason: string }[];
  expect(decided.every(({ decision, reason }) => decision === "keep" && reason === preview.doubt)).toBe(true);
  expect((await api.json("/retention/preview?decision=remove")).entries).toEqual([]);
});

test("POST /prune asks for a prune once, however often it is repeated, and starts none beside one", async () => {
  const key = { "idempotency-key": "before-the-release" };
  const first = await api.ask("/prune", send("POST", { reason: "space" }, key));
  expect(first.status).toBe(202);
  const { prune, started } = await jsonOf(first);
  expect(started).toBe(true);
  expect(first.headers.get("location")).toBe(`/prunes/${prune.id}`);
  expect(await jsonOf(await api.ask("/prune", send("POST", { reason: "space" }, key)))).toEqual({ prune, started });
  expect(await api.json("/prune", send("POST", {}))).toMatchObject({ started: false, prune: { id: prune.id } });
  expect(api.exports.bodies).toEqual([{ kind: "prune", version: 1, plan: prune.id, snoozes: 0 }]);
  const lines = await listAudit(api.catalog, { limit: 5 });
  expect(lines).toMatchObject([{ action: "prune.start", subject: prune.id, detail: { reason: "space" } }]);
  await api.catalog.update(prunePlans).set({ state: "done" });
  expect((await api.json("/prune", send("POST", {}))).started).toBe(true);
});

test("GET /prunes lists what was pruned, and one shows its steps with their reasons", async () => {
  for (const n of [1, 2, 3])
    await openPlan(api.catalog, { id: `prune-2026-11-1${n}`, jobId: `nightly-2026-11-1${n}`, now: n });
  const first = await api.json("/prunes?limit=2");
  expect(first.prunes.map(({ id }: { id: string }) => id)).toEqual(["prune-2026-11-13", "prune-2026-11-12"]);
  const second = await api.json(`/prunes?limit=2&cursor=${first.next_cursor}`);
  expect(second).toMatchObject({ prunes: [{ id: "prune-2026-11-11", job: "nightly-2026-11-11" }], next_cursor: null });

  const plan = "prune-2026-11-12";
  const step = { plan, action: "remove", etag: "e", reason: "a daily older than 7 days", size: 10 } as const;
  await api.catalog.insert(pruneSteps).values([
    { ...step, key: "daily/2026-11-01/auth.sql.gz", database: "auth", state: "done" },
    { ...step, key: "daily/2026-11-01/shop.sql.gz", database: "shop", state: "skipped", note: "it was written anew" },
    { ...step, key: "daily/2026-11-02/shop.sql.gz", database: "shop", state: "done" },
  ]);
  const page = await api.json(`/prunes/${plan}?limit=2`);
  expect(page).toMatchObject({
    prune: { id: plan, state: "running" },
    steps: [{ database: "auth" }, { database: "shop" }],
  });
  expect((await api.json(`/prunes/${plan}?limit=2&cursor=${page.next_cursor}`)).steps).toHaveLength(1);
  expect((await api.json(`/prunes/${plan}?database=shop&state=skipped`)).steps).toEqual([
    {
      key: "daily/2026-11-01/shop.sql.gz",
      action: "remove",
      database: "shop",
      bytes: 10,
      reason: "a daily older than 7 days",
      state: "skipped",
      note: "it was written anew",
    },
  ]);
  expect((await api.ask("/prunes/prune-none")).status).toBe(404);
});

test("GET /archives says what each archive holds, where, and what it lacks", async () => {
  await storeDailies(1);
  const manifest = {
    patina: "archive",
    format: 1,
    week: "2026-W33",
    environment: "test",
    job: "weekly-2026-08-16",
    startedAt: "2026-08-16T04:00:00.000Z",
    verifiedAt: "2026-08-16T04:01:00.000Z",
    object: { key: "weekly/2026-W33.tar.gz", bytes: 99, etag: "e", partBytes: 1 },
    digest: "0".repeat(64),
    backups: 1,
    rawBytes: 9,
    pages: [],
    missing: [{ date: "2026-08-12", database: "shop", reason: "its object is damaged" }],
  };
  const listed = await api.json("/archives");
  expect(listed).toMatchObject({
    archives: [{ week: "2026-W33", state: "checked", is_stored: true, backups: 1, damage: null }],
    next_cursor: null,
  });
  expect((await api.json("/archives/2026-W33")).missing).toBeNull();
  api.vault.objects.set("weekly/2026-W33.manifest.json", JSON.stringify(manifest));
  const one = await api.json("/archives/2026-W33");
  expect(one.archive).toEqual(listed.archives[0]);
  expect(one.missing).toEqual(manifest.missing);
  expect(one.members).toMatchObject([
    { date: "2026-08-14", database: "gone", offset: 0, bytes: 5, raw_bytes: 9, digest: "0".repeat(64) },
  ]);
  expect(await api.json("/archives/2026-W33?database=shop")).toMatchObject({
    members: [],
    missing: [{ database: "shop" }],
  });
  expect((await api.ask("/archives/2026-W34")).status).toBe(404);
  expect((await api.ask("/archives/2026-W54")).status).toBe(400);
});

test("the read token sees all of it and changes nothing", async () => {
  for (const path of ["/retention", "/retention/preview", "/prunes", "/archives"]) {
    expect((await api.ask(path, { token: READ_TOKEN })).status, path).toBe(200);
  }
  const change = send("PUT", { retention: WEEK, weekly_weeks: 1 });
  expect((await api.ask("/retention", { ...change, token: READ_TOKEN })).status).toBe(403);
  expect((await api.ask("/prune", { ...send("POST", {}), token: READ_TOKEN })).status).toBe(403);
  expect(await findPlan(api.catalog, "prune-1")).toBeUndefined();
});
