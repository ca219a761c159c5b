import { env } from "cloudflare:test";
import { setCustody } from "@patina/catalog/custody-settings";
import { register } from "@patina/catalog/testing";
import { seedArchive } from "@patina/catalog/testing-custody";
import { DEFAULT_CUSTODY } from "@patina/core/custody";
import { beforeEach, expect, test } from "vitest";
import { READ_TOKEN, TestBrowser, wordsOf } from "./testing.ts";

let browser: TestBrowser;

beforeEach(async () => {
  browser = await TestBrowser.start();
  await browser.logIn();
});

async function seed(missing = 0): Promise<void> {
  await register(browser.catalog, ["auth", "shop"]);
  const now = Date.parse("2026-11-15T04:10:00Z");
  await seedArchive(browser.catalog, { week: "2026-W45", names: ["auth"], now: now - 7 * 86_400_000 });
  await seedArchive(browser.catalog, { week: "2026-W46", names: ["auth", "shop"], now, missing });
}

function manifest(missing: { date: string; database: string; reason: string }[]): string {
  return JSON.stringify({
    patina: "archive",
    format: 1,
    week: "2026-W46",
    environment: "test",
    job: "weekly-2026-11-15",
    startedAt: "2026-11-15T04:00:00.000Z",
    verifiedAt: "2026-11-15T04:10:00.000Z",
    object: { key: "weekly/2026-W46.tar.gz", bytes: 14_000, etag: "e", partBytes: 1 },
    digest: "0".repeat(64),
    backups: 14,
    rawBytes: 56_000,
    pages: [],
    missing,
  });
}

test("without an archive the page says when the first is made", async () => {
  const words = wordsOf(await browser.page("/dashboard/archives"));
  expect(words).toContain("There is no archive yet");
  expect(words).toContain("the first is made on Sunday at 04:00 UTC");
});

test("the archives are listed newest first, with what they hold and lack, and until when they are kept", async () => {
  await seed(2);
  const words = wordsOf(await browser.page("/dashboard/archives"));
  expect(words).toContain("2 archives hold 21 backups; one lacks some of its week");
  expect(words).toMatch(
    /2026-W46 2026-11-09 to 2026-11-15 incomplete 14 backups up to 2 databases a night 14\.0 KB of 56\.0 KB SQL 2 backups 5 days ago in 78 d 15 h/,
  );
  expect(words).toMatch(/2026-W45 .* read back 7 backups up to 1 database a night .* nothing 12 days ago/);
  expect(words.indexOf("2026-W46")).toBeLessThan(words.indexOf("2026-W45"));
});

test("how long archives are kept comes from what is set", async () => {
  await seed();
  const actor = { name: "test", request: "r" };
  const audit = { action: "retention.change", subject: "retention", detail: {}, actor, at: browser.now } as const;
  await setCustody(browser.catalog, { settings: { ...DEFAULT_CUSTODY, weeklyWeeks: 1 }, audit });
  const words = wordsOf(await browser.page("/dashboard/archives"));
  expect(words).toMatch(/2026-W46 .* 5 days ago in 1 d 15 h 2026-W45 .* with the next prune/);
});

test("an archive's page lists its backups with their downloads, one database alone if asked", async () => {
  await seed();
  browser.vault.objects.set("weekly/2026-W46.manifest.json", manifest([]));
  const html = await browser.page("/dashboard/archives/2026-W46");
  expect(html).toContain('href="/dashboard/download/2026-11-09/shop?job=nightly-2026-11-09"');
  const words = wordsOf(html);
  expect(words).toContain("14 backups of up to 2 databases a night, 14.0 KB");
  expect(words).toContain("Nothing: it holds every backup that the nights of its week were to make.");
  const one = await browser.page("/dashboard/archives/2026-W46?database=auth");
  expect(one).toContain("/dashboard/databases/auth");
  expect(one).not.toContain("/dashboard/databases/shop");
});

test("an archive's page says what it lacks and why, or why that cannot be told", async () => {
  await seed(1);
  const path = "/dashboard/archives/2026-W46";
  expect(wordsOf(await browser.page(path))).toContain("What it lacks cannot be told: It has no manifest.");
  browser.vault.objects.set("weekly/2026-W46.manifest.json", "{");
  expect(wordsOf(await browser.page(path))).toContain("What it lacks cannot be told: Cannot read archive manifest");
  const missing = [{ date: "2026-11-12", database: "blog", reason: "its export failed" }];
  browser.vault.objects.set("weekly/2026-W46.manifest.json", manifest(missing));
  expect(wordsOf(await browser.page(path))).toContain("blog 2026-11-12 its export failed");
});

test("a long archive comes in pages", async () => {
  const names = Array.from({ length: 12 }, (_, i) => `db-${String(i).padStart(2, "0")}`);
  await seedArchive(browser.catalog, { week: "2026-W46", names, now: browser.now });
  const html = await browser.page("/dashboard/archives/2026-W46");
  const [, next = ""] = /href="(\/dashboard\/archives\/2026-W46\?after=[^"]+)"/.exec(html) ?? [];
  expect(next).toContain("2026-11-13.db-01");
  expect(wordsOf(await browser.page(next))).toContain("db-02 2026-11-13");
});

test("a damaged archive is called so", async () => {
  await seed();
  await env.CATALOG.prepare(
    "update backup_inventory set damaged_at = 1, damage = 'Its page 3 rots' where kind = 'weekly'",
  )
    .bind()
    .run();
  expect(wordsOf(await browser.page("/dashboard/archives"))).toContain("2 archives are damaged");
  expect(wordsOf(await browser.page("/dashboard/archives/2026-W46"))).toContain("Its page 3 rots.");
});

test("the read-only token sees what is in an archive, and downloads nothing", async () => {
  await seed();
  browser.cookie = null;
  await browser.logIn(READ_TOKEN);
  const html = await browser.page("/dashboard/archives/2026-W46");
  expect(wordsOf(html)).toContain("shop 2026-11-09");
  expect(html).not.toContain("/dashboard/download/");
});
