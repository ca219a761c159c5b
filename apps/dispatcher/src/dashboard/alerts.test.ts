import { findChannel, listChannels } from "@patina/catalog/channels";
import { readThresholds } from "@patina/catalog/thresholds";
import { beforeEach, expect, test } from "vitest";
import { READ_TOKEN, TestBrowser, wordsOf } from "./testing.ts";

const ADDRESS = "https://hooks.example.com/T0/s3cr3t";
const CHANNEL = { id: "ops", kind: "webhook", url: ADDRESS };

let browser: TestBrowser;

beforeEach(async () => {
  browser = await TestBrowser.start();
  await browser.logIn();
});

test("without a channel the page says that nobody is told", async () => {
  expect(wordsOf(await browser.page("/dashboard/alerts"))).toContain("Nobody is told when a backup fails");
});

test("a channel that is added is listed without its address, and its signing key is shown once", async () => {
  const answer = await browser.post("/dashboard/alerts", CHANNEL);
  expect(wordsOf(await answer.text())).toContain("whsec_test");
  const page = await browser.page("/dashboard/alerts");
  expect(wordsOf(page)).toContain("1 channel is told when a backup fails");
  expect(page).toContain("hooks.example.com");
  expect(page).not.toMatch(/s3cr3t|whsec/);
});

test("a test says on the page whether it arrived", async () => {
  await browser.post("/dashboard/alerts", CHANNEL);
  expect(wordsOf(await (await browser.post("/dashboard/alerts/ops/test")).text())).toContain("A test has reached ops");
  browser.testAnswer = { end: "failed", reason: "HTTP 404" };
  const words = wordsOf(await (await browser.post("/dashboard/alerts/ops/test")).text());
  expect(words).toContain("The test did not reach ops: HTTP 404");
});

test("a channel is switched off and on, told of other events, and removed", async () => {
  await browser.post("/dashboard/alerts", CHANNEL);
  await browser.post("/dashboard/alerts/ops/off");
  expect(await findChannel(browser.catalog, "ops")).toMatchObject({ enabled: false });
  await browser.post("/dashboard/alerts/ops/on");
  await browser.post("/dashboard/alerts/ops/events", { events: "drill-failed" });
  expect(await findChannel(browser.catalog, "ops")).toMatchObject({ enabled: true, events: ["drill-failed"] });
  await browser.post("/dashboard/alerts/ops/remove");
  expect(await listChannels(browser.catalog)).toEqual([]);
});

test("thresholds are changed, and a broken number changes nothing", async () => {
  const form = { slow_minutes: "90", deviation_percent: "30", summary_hour: "6" };
  await browser.post("/dashboard/alerts/thresholds", form);
  expect(await readThresholds(browser.catalog)).toEqual({ slowMinutes: 90, deviationPercent: 30, summaryHour: 6 });
  const broken = await browser.post("/dashboard/alerts/thresholds", { ...form, slow_minutes: "soon" });
  expect(broken.status).toBe(400);
  expect(await readThresholds(browser.catalog)).toMatchObject({ slowMinutes: 90 });
});

test("whoever may only look sees the channels, and no form changes anything", async () => {
  await browser.post("/dashboard/alerts", CHANNEL);
  browser.cookie = null;
  await browser.logIn(READ_TOKEN);
  expect(await browser.page("/dashboard/alerts")).not.toContain("<button type");
  for (const path of ["", "/ops/off", "/ops/remove", "/ops/test", "/ops/events", "/thresholds"]) {
    expect((await browser.post(`/dashboard/alerts${path}`, CHANNEL)).status, path).toBe(403);
  }
  expect(await findChannel(browser.catalog, "ops")).toMatchObject({ enabled: true });
});
