import { listAudit } from "@patina/catalog/audit";
import { readCustody } from "@patina/catalog/custody-settings";
import { findPlan } from "@patina/catalog/prune-plans";
import { backupInventory, databases, ticks } from "@patina/catalog/schema";
import { register } from "@patina/catalog/testing";
import { seedArchive, seedPrune } from "@patina/catalog/testing-custody";
import { DAY, dateOf, HOUR } from "@patina/core/date";
import { beforeEach, expect, test } from "vitest";
import { READ_TOKEN, TestBrowser, wordsOf } from "./testing.ts";

let browser: TestBrowser;

beforeEach(async () => {
  browser = await TestBrowser.start();
  await browser.logIn();
  await register(browser.catalog, ["shop"]);
  await browser.catalog.insert(ticks).values({ id: 1, last: browser.now - HOUR, since: 0 });
});

const FORM = {
  kind: "age",
  daily_days: "7",
  all_days: "7",
  daily: "30",
  weekly: "8",
  monthly: "12",
  yearly: "0",
  manual_days: "30",
  max_mb: "",
  weekly_weeks: "12",
  verify_gb: "50",
  drill_rows: "25000000",
};

/** A manual backup of shop of each of some days, the newest `from` days old. */
async function storeManual(days: number, from = 0): Promise<void> {
  for (let age = from; age < from + days; age += 1) {
    const at = browser.now - age * DAY - HOUR;
    const key = `manual/${dateOf(at)}/job/shop.sql.gz`;
    const facts = { key, kind: "manual", database: "shop", date: dateOf(at), jobId: "job", size: 1_000 } as const;
    await browser.catalog.insert(backupInventory).values({ ...facts, digest: key, etag: key, createdAt: at });
  }
}

test("the page says in words what is kept, of all and of those with their own", async () => {
  const tiers = { kind: "tiers", allDays: 7, daily: 30, weekly: 8, monthly: 0, yearly: 2, manualDays: 1 } as const;
  await browser.catalog.update(databases).set({ retention: { ...tiers, maxBytes: 5e9 } });
  const words = wordsOf(await browser.page("/dashboard/retention"));
  expect(words).toContain("Kept are dailies for 7 days, manual backups for 30 days, and weekly archives for 12 weeks");
  expect(words).toContain("This is the default: nobody has set anything.");
  expect(words).toContain(
    "shop every daily for 7 days, then one a day for 30 days, one a week for 8 weeks, one a year for 2 years, manual backups for 1 day, together at most 5.0 GB a database",
  );
  expect(words).toContain("Nothing has been pruned yet");
});

test("what the form says is set, is in the audit log, and leads to what it comes to", async () => {
  const answer = await browser.post("/dashboard/retention", { ...FORM, daily_days: "3", max_mb: "0.5" });
  expect(answer.status).toBe(303);
  expect(answer.headers.get("location")).toBe("/dashboard/retention/preview");
  expect(await readCustody(browser.catalog)).toMatchObject({
    dumps: { kind: "age", dailyDays: 3, manualDays: 30, maxBytes: 500_000 },
    weeklyWeeks: 12,
    verifyBytes: 50e9,
    drillRows: 25_000_000,
    updatedAt: browser.now,
  });
  const [line] = await listAudit(browser.catalog, { limit: 1 });
  expect(line).toMatchObject({ action: "retention.change" });
  await browser.post("/dashboard/retention", { ...FORM, kind: "tiers", yearly: "2" });
  expect((await readCustody(browser.catalog)).dumps).toEqual({
    kind: "tiers",
    allDays: 7,
    daily: 30,
    weekly: 8,
    monthly: 12,
    yearly: 2,
    manualDays: 30,
    maxBytes: null,
  });
  expect(wordsOf(await browser.page("/dashboard/retention"))).toContain("one a year for 2 years");
});

test.each([
  ["nothing", { daily_days: "" }, "the number of days that dailies are kept is no number"],
  ["a word", { weekly_weeks: "soon" }, "the number of weeks that archives are kept is no number"],
  ["0 days", { daily_days: "0" }, "daily_days must be 1 to 36600"],
  ["less than nothing", { manual_days: "-1" }, "manual_days must be 1 to 36600"],
  ["half a day", { daily_days: "1.5" }, "daily_days must be 1 to 36600"],
  ["a size of 0", { max_mb: "0" }, "max_bytes must be above 0"],
  ["a size that is a word", { max_mb: "S3CRET" }, "the number of MB that one database may take is no number"],
  ["half a tier", { kind: "tiers", weekly: "0.5" }, "tiers must be whole numbers"],
  ["no verification", { verify_gb: "0" }, "verify_bytes"],
])("a form that says %s changes nothing and says why, with what was typed still there", async (_, change, reason) => {
  const answer = await browser.post("/dashboard/retention", { ...FORM, ...change });
  expect(answer.status).toBe(400);
  const html = await answer.text();
  expect(wordsOf(html)).toContain(reason);
  expect(wordsOf(html)).toContain("Nothing was changed.");
  const [typed = ""] = Object.values(change).slice(-1);
  expect(html).toContain(`value="${typed}"`);
  expect((await readCustody(browser.catalog)).updatedAt).toBeNull();
  expect(await listAudit(browser.catalog, { limit: 1 })).toEqual([]);
});

test("the preview counts first, then says of each object whether it goes and why", async () => {
  await storeManual(33);
  const words = wordsOf(await browser.page("/dashboard/retention/preview"));
  expect(words).toContain("The next prune would remove 3 of 33 objects, 3.0 KB");
  expect(words).toMatch(/3 would go 3\.0 KB would be free 30 30\.0 KB would stay 0 stay only as the last good one/);
  expect(words).toMatch(/shop manual of 2026-10-19 remove .* a manual backup older than 30 days/);
});

test("what stays only because nothing better is left is counted and listed apart", async () => {
  await storeManual(3, 40);
  const words = wordsOf(await browser.page("/dashboard/retention/preview"));
  expect(words).toContain("would remove 2 of 3 objects");
  expect(words).toContain("1 stay only as the last good one");
  const last = wordsOf(await browser.page("/dashboard/retention/preview?decision=last%20good"));
  expect(last).toMatch(/shop manual of 2026-10-11 keep .* last good backup of shop/);
  expect(last).not.toContain("older than 30 days");
});

test("the preview comes in pages of 50", async () => {
  await storeManual(81);
  const first = await browser.page("/dashboard/retention/preview");
  expect(wordsOf(first)).toContain("Page 1 of 2, 51 objects");
  expect(first.match(/older than 30 days/g)).toHaveLength(50);
  const second = await browser.page("/dashboard/retention/preview?page=2");
  expect(second.match(/older than 30 days/g)).toHaveLength(1);
});

test("what is typed can be looked at before it is set, and sets nothing", async () => {
  await storeManual(10);
  expect(wordsOf(await browser.page("/dashboard/retention/preview"))).toContain("would remove nothing of 10 objects");
  const path = `/dashboard/retention/preview?${new URLSearchParams({ ...FORM, manual_days: "3" })}`;
  const html = await browser.page(path);
  expect(wordsOf(html)).toContain("The next prune would remove 7 of 10 objects");
  expect(wordsOf(html)).toContain("If this were set, which it is not:");
  expect(html).toContain('<input type="hidden" name="manual_days" value="3"/>');
  expect(html).not.toContain("Prune now");
  expect((await readCustody(browser.catalog)).updatedAt).toBeNull();
  const broken = wordsOf(await browser.page(path.replace("manual_days=3", "manual_days=0")));
  expect(broken).toContain("manual_days must be 1 to 36600. This is by what is set.");
  expect(broken).toContain("would remove nothing of 10 objects");
});

test("an archive that alone holds the last good backup of a database stays, and says whose", async () => {
  const now = browser.now - 100 * DAY;
  await seedArchive(browser.catalog, { week: "2026-W32", names: ["gone"], now });
  const words = wordsOf(await browser.page("/dashboard/retention/preview?decision=keep"));
  expect(words).toMatch(/2026-W32 archive keep .* holds the last good backup of gone 1 backup would be copied out/);
});

test("while the clock is in doubt nothing would go, and the page says why", async () => {
  await storeManual(40);
  await browser.catalog.update(ticks).set({ last: browser.now - 3 * DAY });
  const words = wordsOf(await browser.page("/dashboard/retention/preview"));
  expect(words).toContain("The next prune would remove nothing of 40 objects");
  expect(words).toContain("Nothing is removed: the last tick was more than 48 hours ago.");
});

test("a prune is asked for, and its page tells its steps with their reasons", async () => {
  await storeManual(40);
  const answer = await browser.post("/dashboard/prunes");
  const path = answer.headers.get("location") ?? "";
  expect(path).toMatch(/^\/dashboard\/prunes\/prune-[0-9a-f]+$/);
  expect(browser.exports.bodies).toMatchObject([{ kind: "prune" }]);
  expect((await browser.get(path)).headers.get("refresh")).toBe("4");
  const step = { action: "remove", database: "shop", etag: "e", size: 10, state: "planned", note: null } as const;
  const key = "manual/2026-10-01/job/shop.sql.gz";
  const steps = [{ ...step, key, reason: "a manual backup older than 30 days" }];
  const jobId = "nightly-2026-11-20";
  await seedPrune(browser.catalog, { id: "prune-2026-11-20", jobId, steps, kept: 12, now: browser.now });
  const words = wordsOf(await browser.page("/dashboard/prunes/prune-2026-11-20"));
  expect(words).toContain("1 object removed, 10 B");
  expect(words).toContain(`${key} done remove 10 B a manual backup older than 30 days`);
  expect(wordsOf(await browser.page("/dashboard/prunes/prune-2026-11-20?state=skipped"))).toContain("no such step");
  expect(wordsOf(await browser.page("/dashboard/retention"))).toMatch(
    /prune-2026-11-20 after nightly-2026-11-20 done .* 1 10 B 12 It removed what was too old/,
  );
  expect((await browser.get("/dashboard/prunes/prune-none")).status).toBe(404);
});

test("whoever may only look sees all of it, and no form changes anything", async () => {
  await storeManual(40);
  browser.cookie = null;
  await browser.logIn(READ_TOKEN);
  for (const path of ["/dashboard/retention", "/dashboard/retention/preview"]) {
    const html = await browser.page(path);
    expect(html, path).not.toMatch(/<form[^>]*method="post" action="(?!\/dashboard\/logout)/);
  }
  expect((await browser.post("/dashboard/retention", FORM)).status).toBe(403);
  expect((await browser.post("/dashboard/prunes")).status).toBe(403);
  expect((await readCustody(browser.catalog)).updatedAt).toBeNull();
  expect(await findPlan(browser.catalog, "prune-1")).toBeUndefined();
});
