import { env } from "cloudflare:test";
import { seedArchive } from "@patina/catalog/testing-custody";
import { seedHistory } from "@patina/catalog/testing-history";
import { beforeEach, expect, test } from "vitest";
import { storeBackup } from "../api/stored-backup.ts";
import { READ_TOKEN, TestBrowser, wordsOf } from "./testing.ts";

let browser: TestBrowser;
let stored: Uint8Array;

/** Two nights of one database whose dumps are really there. */
beforeEach(async () => {
  browser = await TestBrowser.start();
  await browser.logIn();
  for (const [date, rows] of [
    ["2026-11-19", ["a"]],
    ["2026-11-20", ["a", "b", "c"]],
  ] as const) {
    const backup = { ref: { kind: "daily", date, database: "shop" }, job: `nightly-${date}`, rows } as const;
    ({ stored } = await storeBackup(browser, { ...backup, createdAt: browser.now }));
  }
  const of = () => ({ end: "good", bytes: 400, ms: 50 }) as const;
  await seedHistory(browser.catalog, { names: ["shop"], nights: 2, now: browser.now, of });
});

const DOWNLOAD = "/dashboard/download/2026-11-20/shop?job=nightly-2026-11-20";

test("the page of a database leads to each of its backups, and the download is the stored object", async () => {
  const html = await browser.page("/dashboard/databases/shop");
  expect(html).toContain(`href="${DOWNLOAD}"`);
  const answer = await browser.get(DOWNLOAD);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-disposition")).toContain("shop");
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(stored);
  const part = await browser.get(DOWNLOAD, { range: "bytes=2-9" });
  expect(part.status).toBe(206);
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(stored.slice(2, 10));
  expect((await browser.get(DOWNLOAD, { "if-match": '"other"' })).status).toBe(412);
  const sql = await browser.get(`${DOWNLOAD}&format=sql`);
  expect(await sql.text()).toContain('CREATE TABLE "notes"');
});

test("a damaged backup is called so, its download asks for it all the same, and the one before it is the last good", async () => {
  const key = "daily/2026-11-20/shop.sql.gz";
  await env.CATALOG.prepare("update backup_inventory set damaged_at = 1, damage = 'It rots' where key = ?")
    .bind(key)
    .run();
  const html = await browser.page("/dashboard/databases/shop");
  expect(wordsOf(html)).toContain("damaged It rots");
  expect(html).toContain(`href="${DOWNLOAD}&amp;damaged=true"`);
  const words = wordsOf(html);
  expect(words).toContain("The newest backup of shop is 32 h old");
  expect(words).not.toContain("2026-11-20, against 2026-11-19");
});

test("a backup whose own object is gone is had out of its archive, and drilled there", async () => {
  const { catalog, now } = browser;
  await seedArchive(catalog, { week: "2026-W47", names: ["shop"], now });
  await env.CATALOG.exec("update backup_inventory set deleted_at = 1 where key = 'daily/2026-11-19/shop.sql.gz'");
  const html = await browser.page("/dashboard/databases/shop");
  expect(wordsOf(html)).toContain("held by 2026-W47");
  expect(html).toContain('href="/dashboard/archives/2026-W47"');
  expect(html).toContain('href="/dashboard/download/2026-11-19/shop?job=nightly-2026-11-19"');
  expect(html).toContain('aria-label="Drill shop of 2026-11-19"');
  await env.CATALOG.exec("update archives set state = 'checking'");
  const without = await browser.page("/dashboard/databases/shop");
  expect(wordsOf(without)).toContain("no longer stored");
  expect(without).not.toContain('aria-label="Drill shop of 2026-11-19"');
});

test("a download is in the audit log, with who it was", async () => {
  expect(wordsOf(await browser.page("/dashboard/audit"))).toContain("Nobody has changed or downloaded anything yet.");
  await (await browser.get(DOWNLOAD)).arrayBuffer();
  const words = wordsOf(await browser.page("/dashboard/audit"));
  expect(words).toContain("backup.download");
  expect(words).toContain("admin-token");
});

test("the read-only token has no downloads", async () => {
  browser.cookie = null;
  await browser.logIn(READ_TOKEN);
  expect(await browser.page("/dashboard/databases/shop")).not.toContain("/dashboard/download/");
  expect((await browser.get(DOWNLOAD)).status).toBe(403);
});

test.each([
  "/dashboard/download/2026-02-30/shop",
  "/dashboard/download/..%2f..%2fx/shop",
  "/dashboard/download/2020-01-01/shop",
])("%s is a page that says what is wrong", async (path) => {
  const answer = await browser.get(path);
  expect([400, 404]).toContain(answer.status);
  expect(await answer.text()).toContain("<h1>Cannot ");
});

test("the rows of each table stand against those of the backup before", async () => {
  const words = wordsOf(await browser.page("/dashboard/databases/shop"));
  expect(words).toContain("2026-11-20, against 2026-11-19");
  expect(words).toContain("notes 3 1 +2");
});

test("tables that cannot be read are said to be so, and the rest of the page is there", async () => {
  browser.vault.backups.length = 0;
  const words = wordsOf(await browser.page("/dashboard/databases/shop"));
  expect(words).toContain("it is not in the bucket as it was written");
  expect(words).toContain("The newest backup of shop is 8 h old");
});

test("the restore guide of a database has its own names and dates", async () => {
  const words = wordsOf(await browser.page("/dashboard/databases/shop/restore"));
  expect(words).toContain("2026-11-20");
  expect(words).toContain("shop");
  expect(words).toContain("https://patina.example/download/2026-11-20/shop");
  expect((await browser.get("/dashboard/databases/gone/restore")).status).toBe(404);
});
