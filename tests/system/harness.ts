import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LocalPatina } from "@patina/cli/local/patina";
import { fileSource, type LocalSource } from "@patina/cli/local/sources";
import { LocalState } from "@patina/cli/local/state";
import { PROJECT, type WorkersOptions } from "@patina/cli/local/workers";

/** A folder of its own for one test. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "patina-system-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Makes a small SQLite file; its path. */
export function makeDatabase(folder: string, { name, rows }: { name: string; rows: number }): string {
  const path = join(folder, `${name}.sqlite`);
  const db = new DatabaseSync(path);
  db.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL)");
  const insert = db.prepare("INSERT INTO items (name) VALUES (?)");
  for (let i = 0; i < rows; i += 1) insert.run(`${name} ${i}`);
  db.close();
  return path;
}

export interface Receiver {
  readonly url: string;
  /** Bodies of the requests that arrived, parsed. */
  readonly received: unknown[];
  /** Status of the next answers; 204 when there are none left. */
  readonly answers: number[];
  readonly stop: () => Promise<void>;
}

/** A webhook on this machine. */
export async function startReceiver(): Promise<Receiver> {
  const received: unknown[] = [];
  const answers: number[] = [];
  const server: Server = createServer(async (request, response) => {
    const status = answers.shift() ?? 204;
    if (status < 300) received.push(JSON.parse(await readText(request)));
    response.writeHead(status).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/webhook`,
    received,
    answers,
    stop: () => new Promise((stopped) => server.close(() => stopped())),
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

export interface System {
  readonly patina: LocalPatina;
  readonly state: LocalState;
  /** Asks the API and reads its JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: the shape of an answer is what the tests check
  readonly ask: (path: string, init?: { method?: string; body?: string }) => Promise<any>;
  /** The job, once it has ended. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly ended: (job: string) => Promise<any>;
  /** Rows of the catalog. */
  readonly rows: (sql: string) => Promise<Record<string, unknown>[]>;
}

/** Starts all Workers over the given files. */
export async function startSystem(options: {
  folder: string;
  files: readonly string[];
  sources?: readonly LocalSource[];
  bundles?: WorkersOptions["bundles"];
  webhooks?: Record<string, string>;
  exporterVars?: Record<string, string>;
}): Promise<System> {
  const state = new LocalState(join(options.folder, "state"));
  const patina = await LocalPatina.start({
    state,
    sources: options.sources ?? options.files.map(fileSource),
    port: 0,
    ...(options.bundles === undefined ? {} : { bundles: options.bundles }),
    ...(options.webhooks === undefined ? {} : { webhooks: options.webhooks }),
    ...(options.exporterVars === undefined ? {} : { exporterVars: options.exporterVars }),
  });
  const ask: System["ask"] = async (path, init) => await (await patina.request(path, init)).json();
  const catalog = await patina.miniflare.getD1Database("CATALOG", "patina-dispatcher");
  return {
    patina,
    state,
    ask,
    ended: async (job) =>
      await until(
        () => ask(`/jobs/${job}`),
        ({ status }) => status !== "running",
      ),
    rows: async (sql) => (await catalog.prepare(sql).all()).results,
  };
}

/** Asks again until the answer is as wanted; a test's own time limit ends it otherwise. */
export async function until<T>(read: () => Promise<T>, isWanted: (value: T) => boolean): Promise<T> {
  for (let value = await read(); ; value = await read()) {
    if (isWanted(value)) return value;
    await new Promise((later) => setTimeout(later, 50));
  }
}

/** Bundles a Worker written for a test, with wrangler as the real ones; the path of its script. */
export function bundleWorker(folder: string, { name, main }: { name: string; main: string }): string {
  const config = join(folder, `${name}.toml`);
  writeFileSync(config, `name = "${name}"\nmain = "${main}"\ncompatibility_date = "2026-11-17"\n`);
  const out = join(folder, name);
  const args = ["deploy", "--dry-run", "--config", config, "--outdir", out];
  const run = spawnSync(join(PROJECT, "node_modules", ".bin", "wrangler"), args, { cwd: PROJECT, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`Cannot bundle ${name}: ${run.stdout}${run.stderr}`);
  return join(out, basename(main).replace(/\.ts$/, ".js"));
}

/** Hands messages to a Worker as its queue would. */
export async function deliverTo(system: System, options: { worker: string; queue: string; bodies: unknown[] }) {
  const worker = await system.patina.miniflare.getWorker(options.worker);
  const messages = options.bodies.map((body, i) => ({ id: `test-${i}`, timestamp: new Date(), attempts: 1, body }));
  return await worker.queue(options.queue, messages);
}
