import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDatabase, type System, startReceiver, startSystem, temporaryFolder } from "../system/harness.ts";
import { barriers, CHROMIUM, Visitor } from "./browser.ts";

if (CHROMIUM === null) {
  process.stderr.write("\nSKIPPED: no Chromium on this machine, so no test of the dashboard in a browser was run\n");
}
const inBrowser = test.runIf(CHROMIUM !== null);

const folder = temporaryFolder();
let system: System;
let visitor: Visitor;

beforeAll(async () => {
  if (CHROMIUM === null) return;
  const broken = join(folder.path, "broken.sqlite");
  writeFileSync(broken, "no database at all ".repeat(100));
  const files = [
    makeDatabase(folder.path, { name: "shop", rows: 2_000 }),
    makeDatabase(folder.path, { name: "blog", rows: 20 }),
    broken,
  ];
  system = await startSystem({ folder: folder.path, files });
  visitor = await Visitor.open({ viewport: { width: 1280, height: 900 } });
});

afterAll(async () => {
  await visitor?.close();
  await system?.patina.stop();
  folder.remove();
});

function at(path: string): string {
  return new URL(path, system.patina.url).href;
}

inBrowser("somebody logs in with the link, starts a backup and watches it finish", async () => {
  const { page } = visitor;
  await page.goto((await system.patina.loginLink(Date.now())).href);
  await page.getByRole("button", { name: "Open the dashboard" }).click();
  await page.getByRole("heading", { name: "0 of 3 databases are backed up" }).waitFor();
  await page.getByRole("button", { name: "Back up all now" }).click();
  // The page asks again by itself until the job has ended.
  await page.getByRole("heading", { name: "2 of 3 databases backed up" }).waitFor();
  const failed = page.getByRole("row", { name: /broken/ });
  expect(await failed.textContent()).toContain("it is encrypted");
  expect(await failed.getByRole("img").first().getAttribute("aria-label")).toContain("attempt");
  expect(visitor.complaints).toEqual([]);
});

inBrowser("the fleet names what failed first, sorts, and filters while somebody types", async () => {
  const { page } = visitor;
  await page.goto(at("/"));
  await page.getByRole("heading", { name: "1 database needs attention: broken has never had a good backup" }).waitFor();
  const names = () => page.locator("#fleet tbody tr:visible td.name a").allInnerTexts();
  expect((await names())[0]).toBe("broken");
  await page.getByRole("link", { name: "Stored size" }).click();
  await page.waitForURL(/sort=size/);
  expect(await names()).toEqual(["shop", "blog", "broken"]);
  await page.getByRole("searchbox").fill("blo");
  expect(await names()).toEqual(["blog"]);
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/q=blo/);
  expect(await names()).toEqual(["blog"]);
  expect(visitor.complaints).toEqual([]);
});

inBrowser("a database's page leads to its backups, and starts one", async () => {
  const { page } = visitor;
  await page.goto(at("/dashboard"));
  await page.getByRole("link", { name: "shop", exact: true }).click();
  await page.getByRole("heading", { name: /The newest backup of shop is/ }).waitFor();
  expect(await page.locator("svg.heat title").last().textContent()).toContain("backed up; 1 run");
  await page.getByRole("button", { name: "Back up now" }).click();
  await page.getByRole("heading", { name: "1 of 1 databases backed up" }).waitFor();
  expect(visitor.complaints).toEqual([]);
});

inBrowser("a dead letter is replayed, and its task runs again", async () => {
  const { page } = visitor;
  await page.goto(at("/dashboard/dead-letters"));
  await page.getByRole("button", { name: "Replay broken" }).first().click();
  await page.waitForURL(/\/dashboard\/jobs\//);
  await page.getByText("in generation 2").waitFor();
  await page.goto(at("/dashboard/dead-letters"));
  await page.getByText("by admin-token in").waitFor();
  expect(visitor.complaints).toEqual([]);
});

inBrowser("a backup is downloaded, and the audit log says who did", async () => {
  const { page } = visitor;
  await page.goto(at("/dashboard/databases/shop"));
  await page.getByRole("cell", { name: "items" }).waitFor();
  const arriving = page.waitForEvent("download");
  await page
    .getByRole("link", { name: /as \.sql\.gz/ })
    .first()
    .click();
  const file = await (await arriving).path();
  expect(gunzipSync(readFileSync(file)).toString()).toContain('INSERT INTO "items"');
  await page.goto(at("/dashboard/audit"));
  await page.getByText("backup.download").first().waitFor();
  expect(visitor.complaints).toEqual([]);
});

inBrowser("a channel is added, tested, told of one more event and switched off", async () => {
  const { page } = visitor;
  const receiver = await startReceiver();
  try {
    await page.goto(at("/dashboard/alerts"));
    await page.getByRole("heading", { name: "Nobody is told when a backup fails" }).waitFor();
    await page.getByLabel("Name").fill("ops");
    await page.getByLabel("Kind").selectOption("webhook");
    await page.getByLabel("Address").fill(receiver.url);
    await page.getByRole("button", { name: "Add" }).click();
    await page.getByText(/^whsec_/).waitFor();
    await page.getByRole("button", { name: "Send a test to ops" }).click();
    await page.getByText("A test has reached ops").waitFor();
    expect(receiver.received).toMatchObject([{ kind: "channel-test" }]);
    await page.goto(at("/dashboard/alerts"));
    await page.getByText(/^\d+ of \d+ events$/).click();
    await page.getByLabel("job-slow").check();
    await page.getByRole("row", { name: /ops/ }).getByRole("button", { name: "Save" }).click();
    await page.getByText(/^\d+ of \d+ events$/).click();
    expect(await page.getByLabel("job-slow").isChecked()).toBe(true);
    await page.getByRole("button", { name: "Switch off ops" }).click();
    await page.getByRole("button", { name: "Switch on ops" }).waitFor();
    expect(visitor.complaints).toEqual([]);
  } finally {
    await receiver.stop();
  }
});

const LOOKS = [
  { name: "a desktop, light", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { name: "a desktop, dark", viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  { name: "a phone, light", viewport: { width: 360, height: 740 }, colorScheme: "light" },
  { name: "a phone, dark", viewport: { width: 360, height: 740 }, colorScheme: "dark" },
] as const;

inBrowser.each(LOOKS)("on $name nothing is wider than the screen and axe finds nothing serious", async (look) => {
  const [job] = await system.rows("select id from backup_jobs where failed > 0");
  const { page } = visitor;
  await page.setViewportSize(look.viewport);
  await page.emulateMedia({ colorScheme: look.colorScheme });
  const paths = [
    "/dashboard",
    "/dashboard/jobs",
    `/dashboard/jobs/${job?.["id"]}`,
    "/dashboard/databases/shop",
    "/dashboard/databases/broken",
    "/dashboard/databases/shop/restore",
    "/dashboard/dead-letters",
    "/dashboard/alerts",
    "/dashboard/audit",
    "/dashboard/login",
  ];
  for (const path of paths) {
    await page.goto(at(path));
    const over = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
    expect(over, path).toBeLessThanOrEqual(0);
    expect(await barriers(page), path).toEqual([]);
  }
  expect(visitor.complaints).toEqual([]);
});

inBrowser("barriers() finds a text that can hardly be read, and a picture without a name", async () => {
  const { page } = visitor;
  await page.goto("about:blank");
  await page.setContent(
    '<html lang="en"><title>x</title><main><p style="color:#ccc">pale</p><img src="data:,"></main>',
  );
  expect((await barriers(page)).map((line) => line.split(":")[0]).sort()).toEqual(["color-contrast", "image-alt"]);
  visitor.complaints.length = 0;
});

inBrowser("without JavaScript, and with the keyboard alone, everything still works", async () => {
  const plain = await Visitor.open({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
  try {
    const { page } = plain;
    await page.goto(at("/dashboard/jobs"));
    await page.getByLabel("Admin token").fill(system.patina.token);
    await page.keyboard.press("Enter");
    // Back to the page that was asked for.
    await page.getByRole("heading", { name: "Jobs" }).waitFor();
    await page.goto(at("/dashboard"));
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(page.url()).toContain("#main");
    await page.getByRole("button", { name: "Back up all now" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "2 of 3 databases backed up" }).waitFor();
    expect(plain.complaints).toEqual([]);
  } finally {
    await plain.close();
  }
});

inBrowser("somebody who logs out is out", async () => {
  const { page } = visitor;
  await page.goto(at("/dashboard"));
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("Admin token").waitFor();
  await page.goto(at("/dashboard"));
  await page.getByLabel("Admin token").waitFor();
});
