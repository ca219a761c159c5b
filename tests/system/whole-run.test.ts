import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { decodeManifest } from "@patina/archive/manifest";
import { mirror } from "@patina/cli/local/mirror";
import { sampleSources } from "@patina/cli/local/sources";
import { LocalState } from "@patina/cli/local/state";
import { PROJECT } from "@patina/cli/local/workers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compare } from "../compare/compare.ts";
import { openDatabaseFile } from "../compare/d1-file.ts";
import { type Receiver, type System, startReceiver, startSystem, temporaryFolder } from "./harness.ts";

const SHARED = join(PROJECT, "..", "shared", "data");
const REAL = [
  ["chinook", join(SHARED, "chinook.sqlite")],
  ["northwind", join(SHARED, "d1-northwind.db")],
] as const;
const hasRealData = REAL.every(([, file]) => existsSync(file));

const folder = temporaryFolder();
const bucket = join(folder.path, "bucket");
let system: System;
let receiver: Receiver;
const today = () => new Date().toISOString().slice(0, 10);

beforeAll(async () => {
  receiver = await startReceiver();
  const samples = sampleSources(join(folder.path, "samples"));
  if (!hasRealData) process.stderr.write("\nSKIPPED: the real databases of ../shared/data are not on this machine\n");
  const real = hasRealData
    ? REAL.map(([name, file]) => ({
        ...samples[0],
        name,
        binding: `DB_${name.toUpperCase()}`,
        priority: "normal" as const,
        description: "",
        file: () => file,
      }))
    : [];
  system = await startSystem({
    folder: folder.path,
    files: [],
    sources: [...samples, ...real],
    webhooks: { ALERT_WEBHOOK_URL: receiver.url, DISCORD_WEBHOOK_URL: receiver.url },
  });
  await system.patina.fire("nightly", Date.now());
  await system.ended(`nightly-${today()}`);
  await mirror(system.patina, bucket);
});

afterAll(async () => {
  await system.patina.stop();
  await receiver.stop();
  folder.remove();
});

const names = [
  "groveauth",
  "scout-db",
  "grove-engine-db",
  "autumnsgrove-posts",
  "autumnsgrove-git-stats",
  "grove-domain-jobs",
];
const all = [...names, ...(hasRealData ? REAL.map(([name]) => name) : [])];

function stored(name: string, suffix: string): string {
  return join(bucket, "daily", today(), `${name}${suffix}`);
}

function sourceFile(name: string): string {
  return REAL.find(([real]) => real === name)?.[1] ?? join(folder.path, "samples", `${name}.sqlite`);
}

test("the cron backs up every database through the queue and closes the job", async () => {
  const job = await system.ask(`/jobs/nightly-${today()}`);
  expect(job).toMatchObject({ status: "completed", databases: all.length, succeeded: all.length, failed: 0 });
  expect(job.tasks.map((task: { state: string }) => task.state)).toEqual(all.map(() => "done"));
  for (const { result } of job.tasks) expect(result).toMatchObject({ consistency: "snapshot", warnings: [] });
});

test("critical databases are sent before high, high before normal", async () => {
  const events = await system.rows("select database from task_events where event = 'started' order by id");
  const order = events.map(({ database }) => String(database));
  expect(new Set(order.slice(0, 3))).toEqual(new Set(["groveauth", "scout-db", "grove-engine-db"]));
  expect(order[3]).toBe("autumnsgrove-posts");
});

test("a completed job tells the generic webhook, and Discord stays quiet", async () => {
  await expect.poll(() => receiver.received.length).toBe(1);
  expect(receiver.received[0]).toMatchObject({
    event: `job-completed:nightly-${today()}`,
    totals: { succeeded: all.length, failed: 0 },
    errors: [],
  });
});

test("the cron fired twice changes nothing", async () => {
  await system.patina.fire("nightly", Date.now());
  expect(await system.rows("select id, status from backup_jobs")).toEqual([
    { id: `nightly-${today()}`, status: "completed" },
  ]);
  expect(await system.rows("select count(*) as n from backup_tasks")).toEqual([{ n: all.length }]);
});

test("the tick lets the exporter say what it reaches, as its own cron does in an account", async () => {
  const exporter = async () => {
    const { findings } = await system.ask("/doctor");
    return findings.find(({ subject, name }: Record<string, string>) => subject === "schedule" && name === "exporter");
  };
  await system.rows("update exporter_bindings set published_at = published_at - 3600000");
  expect(await exporter()).toMatchObject({ end: "bad" });
  await system.patina.fire("tick", Date.now());
  expect(await exporter()).toMatchObject({ end: "good" });
});

test("POST /trigger backs up one database beside the nightly, under its own key", async () => {
  const { job } = await system.ask("/trigger", { method: "POST", body: '{"database":"grove-domain-jobs"}' });
  const ended = await system.ended(job.id);
  expect(ended).toMatchObject({ status: "completed", databases: 1 });
  expect(ended.tasks[0].result.key).toBe(`manual/${today()}/${job.id}/grove-domain-jobs.sql.gz`);
});

test.each(all)("%s: what is stored is what its manifest says, and gunzip reads it", (name) => {
  const manifest = decodeManifest(readFileSync(stored(name, ".manifest.json"), "utf8"));
  const object = readFileSync(stored(name, ".sql.gz"));
  const sha256 = (input: Buffer) => execFileSync("sha256sum", { input }).toString().slice(0, 64);
  const sql = execFileSync("gunzip", ["-c"], { input: object, maxBuffer: 1e9 });
  expect(object.length).toBe(manifest.object.bytes);
  expect(sha256(object)).toBe(manifest.object.sha256);
  expect(sha256(sql)).toBe(manifest.sql.sha256);
  expect(sha256(sql.subarray(manifest.sql.body.start, manifest.sql.body.end))).toBe(manifest.sql.body.sha256);
  for (const line of sql.toString().split("\n")) expect(line.length).toBeLessThan(90_000);
});

const sqlite3 = spawnSync("sqlite3", ["--version"]).status === 0;
if (!sqlite3) process.stderr.write("\nSKIPPED: sqlite3 is not on this machine\n");

test.runIf(sqlite3).each(all)("%s: plain sqlite3 imports it, equal to the source in every row", (name) => {
  const copy = join(folder.path, `${name}.copy.sqlite`);
  rmSync(copy, { force: true });
  execFileSync("sqlite3", ["-bail", copy], { input: gunzipSync(readFileSync(stored(name, ".sql.gz"))) });
  expect(compare(openDatabaseFile(sourceFile(name)), openDatabaseFile(copy))).toEqual([]);
});

test("autumnsgrove-posts: wrangler d1 execute --local --file imports it, full-text search included", () => {
  importWithWrangler("autumnsgrove-posts");
});

test("scout-db: wrangler d1 execute --local --file imports it, 64-bit ids included", () => {
  importWithWrangler("scout-db");
});

/** Imports the file as it lies, only unpacked, into a fresh local D1, and compares that database's file. */
function importWithWrangler(name: string): void {
  const project = join(folder.path, `import-${name}`);
  mkdirSync(project, { recursive: true });
  const file = join(project, "dump.sql");
  writeFileSync(file, gunzipSync(readFileSync(stored(name, ".sql.gz"))));
  const toml = `name = "x"\ncompatibility_date = "2026-11-17"\n[[d1_databases]]\nbinding = "DB"\ndatabase_name = "copy"\ndatabase_id = "copy"\n`;
  writeFileSync(join(project, "wrangler.toml"), toml);
  const args = ["d1", "execute", "copy", "--local", "--file", file];
  const run = spawnSync(join(PROJECT, "node_modules", ".bin", "wrangler"), args, { cwd: project, encoding: "utf8" });
  expect(run.status, run.stdout + run.stderr).toBe(0);
  const state = new LocalState(join(project, ".wrangler"));
  expect(compare(openDatabaseFile(sourceFile(name)), openDatabaseFile(state.databaseFile("copy")))).toEqual([]);
}
