import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CRONS } from "@patina/core/schedule";
import { DEAD_QUEUE_OF, MAX_ATTEMPTS_OF, QUEUES } from "@patina/messages/queues";
import { expect, test } from "vitest";
import { type Unstable_Config as Config, unstable_readConfig as readConfig } from "wrangler";

const PROJECT = join(import.meta.dirname, "..", "..");
const FILES = {
  dispatcher: "wrangler.toml",
  ...Object.fromEntries(
    readdirSync(join(PROJECT, "apps"))
      .filter((app) => readdirSync(join(PROJECT, "apps", app)).includes("wrangler.toml"))
      .map((app) => [app, `apps/${app}/wrangler.toml`]),
  ),
};

const CONFIGS: Record<string, Config> = Object.fromEntries(
  Object.entries(FILES).map(([app, file]) => [
    app,
    readConfig({ config: join(PROJECT, file) }, { hideWarnings: true }),
  ]),
);

function config(app: string): Config {
  const found = CONFIGS[app];
  if (found === undefined) throw new Error(`There is no configuration of ${app}`);
  return found;
}

const consumers = Object.values(CONFIGS).flatMap(({ queues }) => queues.consumers ?? []);
const producers = Object.values(CONFIGS).flatMap(({ queues }) => queues.producers ?? []);

test("the wrangler files and packages/messages name the same queues", () => {
  const known = new Set<string>(Object.values(QUEUES));
  const named = [
    ...consumers.flatMap(({ queue, dead_letter_queue }) => [queue, dead_letter_queue ?? queue]),
    ...producers.map(({ queue }) => queue),
  ];
  expect(new Set(named)).toEqual(known);
});

test("every queue has exactly one consumer, and every one, dead ones included, is a producer too", () => {
  expect(consumers.map(({ queue }) => queue).sort()).toEqual(Object.values(QUEUES).sort());
  expect(new Set(producers.map(({ queue }) => queue))).toEqual(new Set(Object.values(QUEUES)));
});

test("every consumer says everything that production and local defaults differ in", () => {
  for (const consumer of consumers) {
    const { queue } = consumer;
    expect(consumer.max_batch_size, queue).toBeGreaterThan(0);
    expect(consumer.max_batch_timeout, queue).toBeGreaterThan(0);
    expect(consumer.max_retries, queue).toBeGreaterThan(0);
    expect(consumer.retry_delay, queue).toBeGreaterThan(0);
    const dead = DEAD_QUEUE_OF[queue as keyof typeof DEAD_QUEUE_OF];
    expect(consumer.dead_letter_queue, queue).toBe(dead);
    if (dead !== undefined) {
      expect(consumer.max_retries, queue).toBe((MAX_ATTEMPTS_OF[queue as keyof typeof DEAD_QUEUE_OF] ?? 0) - 1);
    }
  }
});

test("the exporter takes one message at a time, three at once, and has three attempts", () => {
  const [exports, ...others] = config("exporter").queues.consumers ?? [];
  expect(others).toEqual([]);
  expect(exports).toMatchObject({ queue: QUEUES.exports, max_batch_size: 1, max_concurrency: 3, max_retries: 2 });
});

test("the archiver takes one piece of work at a time, three at once, and has no binding to a source database", () => {
  const { queues, d1_databases } = config("archiver");
  expect(queues.consumers).toMatchObject([{ queue: QUEUES.upkeep, max_batch_size: 1, max_concurrency: 3 }]);
  expect(d1_databases.map(({ binding }) => binding)).toEqual(["CATALOG"]);
});

test("only the archiver has scratch databases, which are SQLite-backed and made when it is deployed", () => {
  for (const [app, { durable_objects, migrations }] of Object.entries(CONFIGS)) {
    const classes = durable_objects.bindings.map(({ class_name }) => class_name);
    expect(classes, app).toEqual(app === "archiver" ? ["Scratch"] : []);
    expect(
      migrations.flatMap(({ new_sqlite_classes = [] }) => new_sqlite_classes),
      app,
    ).toEqual(classes);
  }
});

test("the dispatcher has the crons of packages/core, and no binding to a source database or the bucket", () => {
  const { triggers, d1_databases, r2_buckets, services } = config("dispatcher");
  expect([...(triggers.crons ?? [])].sort()).toEqual(Object.values(CRONS).sort());
  expect(d1_databases.map(({ binding }) => binding)).toEqual(["CATALOG"]);
  expect(r2_buckets).toEqual([]);
  // Entrypoints that give only what the front door may have: bytes to read, channels without their addresses, and what
  // a database is like without what is in it.
  expect(services).toMatchObject([
    { binding: "VAULT", service: config("archiver").name, entrypoint: "Vault" },
    { binding: "CHANNELS", service: config("aggregator").name, entrypoint: "Channels" },
    { binding: "PREFLIGHTS", service: config("exporter").name, entrypoint: "Preflights" },
  ]);
});

test("the aggregator has no binding to a source database", () => {
  expect(config("aggregator").d1_databases.map(({ binding }) => binding)).toEqual(["CATALOG"]);
});

test("every Worker limits its CPU time, is observed, and only the dispatcher can be reached", () => {
  for (const [app, { limits, observability, workers_dev, preview_urls }] of Object.entries(CONFIGS)) {
    expect(limits?.cpu_ms, app).toBeGreaterThan(0);
    expect(observability?.enabled, app).toBe(true);
    expect(preview_urls, app).toBe(false);
    expect(workers_dev, app).toBe(app === "dispatcher");
  }
});

test("the Workers share one catalog and one compatibility date", () => {
  const ids = Object.values(CONFIGS).map(({ d1_databases }) =>
    d1_databases.find(({ binding }) => binding === "CATALOG"),
  );
  expect(new Set(ids.map((entry) => entry?.database_id)).size).toBe(1);
  expect(new Set(Object.values(CONFIGS).map(({ compatibility_date }) => compatibility_date)).size).toBe(1);
});

test.each(Object.entries(FILES))("wrangler deploy --dry-run takes the %s", (_, file) => {
  const out = mkdtempSync(join(tmpdir(), "patina-dry-run-"));
  const args = ["deploy", "--dry-run", "--config", file, "--outdir", out];
  const run = spawnSync(join(PROJECT, "node_modules", ".bin", "wrangler"), args, { cwd: PROJECT, encoding: "utf8" });
  rmSync(out, { recursive: true, force: true });
  expect(run.stdout + run.stderr).toContain("--dry-run: exiting now");
  expect(run.stdout + run.stderr).not.toMatch(/warning/i);
  expect(run.status).toBe(0);
});

test("no Worker carries pino's browser build, which would print secrets", () => {
  for (const app of Object.keys(FILES)) {
    const map = JSON.parse(readFileSync(join(PROJECT, "apps", app, "dist", "index.js.map"), "utf8"));
    const sources: string[] = map.sources;
    expect(
      sources.some((source) => source.endsWith("pino/pino.js")),
      app,
    ).toBe(true);
    expect(
      sources.some((source) => /pino\/browser\.js$/.test(source)),
      app,
    ).toBe(false);
  }
});

test("every variable of a Worker is in the configuration reference", () => {
  const reference = readFileSync(join(PROJECT, "docs/configuration.md"), "utf8");
  const names = Object.values(CONFIGS).flatMap(({ vars }) => Object.keys(vars ?? {}));
  expect(names.length).toBeGreaterThan(3);
  for (const name of names) expect(reference).toContain(`\`${name}\``);
});
