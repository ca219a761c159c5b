import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  bundleWorker,
  deliverTo,
  makeDatabase,
  type Receiver,
  type System,
  startReceiver,
  startSystem,
  temporaryFolder,
  until,
} from "./harness.ts";

const WORKERS = join(import.meta.dirname, "workers");
const folder = temporaryFolder();
let system: System;
let discord: Receiver;

beforeAll(async () => {
  discord = await startReceiver();
  // Down at first: the alert must come through all the same.
  discord.answers.push(503, 503, 429);
  system = await startSystem({
    folder: folder.path,
    files: ["fine", "broken", "lost", "also-fine"].map((name) => makeDatabase(folder.path, { name, rows: 10 })),
    bundles: {
      exporter: bundleWorker(folder.path, { name: "bad-day-exporter", main: join(WORKERS, "exporter", "bad-day.ts") }),
      aggregator: bundleWorker(folder.path, {
        name: "hasty-aggregator",
        main: join(WORKERS, "aggregator", "hasty.ts"),
      }),
    },
    webhooks: { DISCORD_WEBHOOK_URL: discord.url },
  });
});

afterAll(async () => {
  await system?.patina.stop();
  await discord.stop();
  folder.remove();
});

test("a bad night: one database fails three times, one message is lost, the webhook is down, and the job still closes", async () => {
  const { patina, rows } = system;
  await patina.fire("nightly", Date.now());
  const [job] = await rows("select id from backup_jobs");
  const id = String(job?.["id"]);
  // Everything that can end without help has ended: three attempts and a dead letter for one, nothing for the lost one.
  await until(
    () => rows("select database, state from backup_tasks where state in ('done', 'failed')"),
    (ended) => ended.length === 3,
  );
  expect(await rows("select database from backup_tasks where state = 'queued'")).toEqual([{ database: "lost" }]);

  await patina.fire("tick", Date.now());
  expect(await rows("select resends from backup_tasks where database = 'lost'"), "too early to be lost").toEqual([
    { resends: 0 },
  ]);
  await rows("update backup_tasks set sent_at = sent_at - 600000 where state = 'queued'");
  await patina.fire("tick", Date.now());

  const ended = await system.ended(id);
  expect(ended).toMatchObject({ status: "failed", databases: 4, succeeded: 3, failed: 1, rows: 30 });
  const broken = ended.tasks.find(({ database }: { database: string }) => database === "broken");
  expect(broken).toMatchObject({
    state: "failed",
    attempt: 3,
    error: { code: "source_unreachable", message: 'Cannot read database "broken": D1_ERROR: Network connection lost.' },
    last_good: null,
  });
  expect(await rows("select event from task_events where database = 'broken' order by id")).toEqual(
    ["queued", "started", "retried", "started", "retried", "started", "retried", "failed"].map((event) => ({ event })),
  );
  expect(await rows("select queue, database, state from dead_letters")).toEqual([
    { queue: "patina-exports", database: "broken", state: "open" },
  ]);
});

test("one alert arrives, after the webhook has come back, and names what failed and what to do", async () => {
  await expect.poll(() => discord.received.length, { timeout: 20_000 }).toBe(1);
  const [message] = discord.received as { embeds: { title: string; fields: { name: string; value: string }[] }[] }[];
  expect(message?.embeds[0]?.title).toMatch(/^Nightly backup failed for 1 of 4 databases$/);
  expect(message?.embeds[0]?.fields[0]).toMatchObject({ name: "❌ broken" });
  expect(message?.embeds[0]?.fields[0]?.value).toContain(
    "**Last good backup:** there is none yet\n**Next:** Check the database",
  );
  expect(message?.embeds[0]?.fields).toHaveLength(4);
  expect(await system.rows("select state, attempts from alert_outbox")).toEqual([{ state: "sent", attempts: 4 }]);
});

test("results, dead letters and alerts that come again change nothing", async () => {
  const before = await system.rows("select * from backup_jobs");
  const job = String(before[0]?.["id"]);
  const date = job.slice("nightly-".length);
  const result = { version: 1, job, generation: 1 };
  await deliverTo(system, {
    worker: "patina-aggregator",
    queue: "patina-results",
    bodies: [
      { ...result, kind: "export-finished", database: "fine", manifest: `daily/${date}/fine.manifest.json` },
      { ...result, kind: "export-abandoned", database: "fine" },
      { kind: "job-check", version: 1, job },
    ],
  });
  await deliverTo(system, {
    worker: "patina-aggregator",
    queue: "patina-exports-dead",
    bodies: [{ ...result, kind: "export-requested", database: "also-fine" }],
  });
  const alert = { kind: "alert-due", version: 1, event: `job-failed:${job}`, channel: "discord" };
  await deliverTo(system, { worker: "patina-aggregator", queue: "patina-alerts", bodies: [alert, alert] });
  expect(await system.rows("select * from backup_jobs")).toEqual(before);
  expect(await system.rows("select status, count(*) as n from backup_results group by status")).toEqual([
    { status: "failed", n: 1 },
    { status: "succeeded", n: 3 },
  ]);
  expect(discord.received).toHaveLength(1);
});
