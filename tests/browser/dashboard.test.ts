import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { dateOf } from "@patina/core/date";
import { CRONS, previousRun } from "@patina/core/schedule";
import { weekOf } from "@patina/core/week";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDatabase, type System, startReceiver, startSystem, temporaryFolder, until } from "../system/harness.ts";
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
  [system, visitor] = await Promise.all([
    startSystem({ folder: folder.path, files }),
    Visitor.open({ viewport: { width: 1280, height: 900 } }),
  ]);
});

afterAll(async () => {
  await visitor?.close();
  await system?.patina.stop();
  folder.remove();
});

function at(path: string): string {
  return new URL(path, system.patina.url).href;
}

/** Waits until what the page is about has ended, and loads the page again: sooner than it would by itself. */
// biome-ignore lint/suspicious/noExplicitAny: the shape of the API's answer is what is looked at
async function ended(what: string, isWanted: (answer: any) => boolean): Promise<void> {
  const id = new URL(visitor.page.url()).pathname.split("/").at(-1) ?? "";
  await until(() => system.ask(`/${what}/${id}`), isWanted);
  await visitor.page.reload();
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
  await page.waitForURL(/\/dashboard\/jobs\//);
  await ended("jobs", ({ status }) => status !== "running");
  await page.getByRole("heading", { name: "1 of 1 databases backed up" }).waitFor();
  expect(visitor.complaints).toEqual([]);
});

inBrowser("somebody asks for a drill of a backup and watches its verdict", async () => {
  const { page } = visitor;
  await page.goto(at("/dashboard/databases/shop"));
  await page.getByText("Not proven yet.").waitFor();
  await page.getByRole("button", { name: /^Drill shop of/ }).click();
  // The page asks again by itself until the drill has ended.
  await page.getByRole("heading", { name: "shop: restorable" }).waitFor();
  expect(await page.getByRole("row", { name: /Every row is what was backed up/ }).textContent()).toContain("passed");
  await page.getByRole("link", { name: "Its backups" }).click();
  await page.getByRole("link", { name: /^Restorable, proven/ }).waitFor();
  await page.getByRole("row", { name: /drilled/ }).waitFor();
  await page.goto(at("/dashboard?sort=drill"));
  await page.getByRole("row", { name: /shop/ }).getByText("proven").waitFor();
  expect(visitor.complaints).toEqual([]);
});

inBrowser("somebody verifies a backup, and sees what came of it", async () => {
  const { page } = visitor;
  await page.goto(at("/dashboard/databases/blog"));
  await page.getByRole("button", { name: /^Verify blog of/ }).click();
  await page.waitForURL(/\/dashboard\/verify\//);
  await ended("verify", ({ state }) => state === "done");
  await page.getByRole("heading", { name: /backups? (?:is|are) what (?:it was|they were) written to be/ }).waitFor();
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
    const told = page.getByText(/^\d+ of \d+ events$/);
    const before = (await told.textContent()) ?? "";
    await told.click();
    await page.getByLabel("job-slow").check();
    await page.getByRole("row", { name: /ops/ }).getByRole("button", { name: "Save" }).click();
    await page
      .getByText(
        before.replace(/^\d+/, (events) => String(Number(events) + 1)),
        { exact: true },
      )
      .waitFor();
    await page.getByRole("button", { name: "Switch off ops" }).click();
    await page.getByRole("button", { name: "Switch on ops" }).waitFor();
    expect(visitor.complaints).toEqual([]);
  } finally {
    await receiver.stop();
  }
});

inBrowser("a week's archive says what it holds and lacks, and gives a backup out of it", async () => {
  // The Sunday before last: its nightly and its archive, as if they were run late.
  const sunday = previousRun(CRONS.weekly, previousRun(CRONS.weekly, Date.now()) - 1);
  const date = dateOf(sunday);
  await system.patina.fire("nightly", previousRun(CRONS.nightly, sunday));
  await system.ended(`nightly-${date}`);
  await system.patina.fire("weekly", sunday);
  await system.ended(`weekly-${date}`);
  const { page } = visitor;
  await page.goto(at("/dashboard/archives"));
  await page.getByRole("heading", { name: "1 archive holds 2 backups; one lacks some of its week" }).waitFor();
  await page.getByRole("link", { name: weekOf(date) }).click();
  expect(await page.getByRole("region", { name: "What it lacks" }).textContent()).toContain("broken");
  const arriving = page.waitForEvent("download");
  await page.getByRole("link", { name: `Download blog of ${date}` }).click();
  expect(gunzipSync(readFileSync(await (await arriving).path())).toString()).toContain('INSERT INTO "items"');
  expect(visitor.complaints).toEqual([]);
});

inBrowser("somebody looks at a shorter retention, sets it, and sees the next prune change", async () => {
  // A prune trusts a clock by which the tick has run for days.
  await system.rows(`insert or replace into ticks (id, last, since) values (1, ${Date.now()}, 0)`);
  const { page } = visitor;
  await page.goto(at("/dashboard/retention"));
  await page.getByRole("link", { name: "What the next prune would remove" }).click();
  await page.getByRole("heading", { name: /would remove nothing of \d+ objects/ }).waitFor();
  await page.getByRole("link", { name: "Change it" }).click();
  await page.getByRole("spinbutton", { name: /^Dailies/ }).fill("0");
  await page.getByRole("button", { name: "Set it" }).click();
  await page.getByText("daily_days must be 1 to 36600. Nothing was changed.").waitFor();
  // The browser tells of the answer 400 in its console.
  visitor.complaints.length = 0;
  await page.getByRole("spinbutton", { name: /^Dailies/ }).fill("3");
  await page.getByLabel("One database takes at most").fill("0.001");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText("If this were set, which it is not").waitFor();
  await page.getByRole("button", { name: "Set it" }).click();
  await page.getByText("By what is set: dailies for 3 days").waitFor();
  await page.getByRole("heading", { name: /would remove [1-9]\d* of/ }).waitFor();
  await page
    .getByRole("cell", { name: /over the size limit of 1\.0 KB/ })
    .first()
    .waitFor();
  await page.getByRole("button", { name: "Prune now" }).click();
  await page.waitForURL(/\/dashboard\/prunes\//);
  await ended("prunes", ({ prune }) => prune.state === "done");
  await page.getByRole("heading", { name: /objects? removed, / }).waitFor();
  await page.getByRole("cell", { name: "remove", exact: true }).first().waitFor();
  expect(visitor.complaints).toEqual([]);
});

const LOOKS = [
  { name: "a desktop, light", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { name: "a desktop, dark", viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  { name: "a phone, light", viewport: { width: 360, height: 740 }, colorScheme: "light" },
  { name: "a phone, dark", viewport: { width: 360, height: 740 }, colorScheme: "dark" },
] as const;

inBrowser("on every screen, light and dark, no page is too wide and axe finds nothing serious", async () => {
  const idOf = async (sql: string) => String((await system.rows(sql))[0]?.["id"]);
  const { page } = visitor;
  const paths = [
    "/dashboard",
    "/dashboard/jobs",
    `/dashboard/jobs/${await idOf("select id from backup_jobs where failed > 0 and kind = 'manual'")}`,
    "/dashboard/databases/shop",
    "/dashboard/databases/broken",
    "/dashboard/databases/shop/restore",
    "/dashboard/archives",
    `/dashboard/archives/${await idOf("select week as id from archives")}`,
    "/dashboard/retention",
    "/dashboard/retention/preview?decision=all",
    `/dashboard/prunes/${await idOf("select id from prune_plans")}`,
    "/dashboard/drills",
    `/dashboard/drills/${await idOf("select id from drills")}`,
    `/dashboard/verify/${await idOf("select id from verify_runs")}`,
    "/dashboard/dead-letters",
    "/dashboard/alerts",
    "/dashboard/audit",
    "/dashboard/login",
  ];
  for (const path of paths) {
    await page.goto(at(path));
    for (const { name, viewport, colorScheme } of LOOKS) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      const over = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      expect(over, `${path} on ${name}`).toBeLessThanOrEqual(0);
      // In the dark only the colours are others.
      const only = colorScheme === "dark" ? ["color-contrast"] : undefined;
      expect(await barriers(page, only), `${path} on ${name}`).toEqual([]);
    }
  }
  expect(visitor.complaints).toEqual([]);
});

inBrowser("on a phone every section is in view, and the keyboard comes to each in turn", async () => {
  const { page } = visitor;
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(at("/dashboard/audit"));
  const links = page.getByRole("navigation", { name: "Sections" }).getByRole("link");
  const words = await links.allInnerTexts();
  expect(words).toHaveLength(8);
  await page.getByRole("link", { name: "Patina" }).focus();
  for (const [i, word] of words.entries()) {
    const box = await links.nth(i).boundingBox();
    expect((box?.x ?? -1) >= 0 && (box?.x ?? 0) + (box?.width ?? 999) <= 390, word).toBe(true);
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.innerText"), word).toBe(word);
  }
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/dashboard\/audit$/);
  await page.setViewportSize({ width: 1280, height: 900 });
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
