import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { NO_RULES, type Rules } from "@patina/core/rules";
import { D1_LIMITS } from "@patina/dump/d1-limits";
import type { DumpSummary } from "@patina/dump/dump";
import { dump } from "@patina/dump/dump";
import type { Source } from "@patina/dump/source";
import { sqliteSource } from "@patina/dump/sqlite-source";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { d1Path } from "../compare/d1-file.ts";
import { bundleWorker } from "../system/harness.ts";

/** A dump in memory. */
export interface Dumped {
  readonly sql: Buffer;
  /** The part that the body digest covers. */
  readonly body: Buffer;
  readonly summary: DumpSummary;
}

const INFO = {
  database: "x",
  environment: "test",
  job: "manual-20261120-000000-000000",
  startedAt: "2026-11-20T00:00:00.000Z",
};

/** What a dump leaves out, as dump() takes it. */
export interface Ruling {
  readonly rules: Rules;
  readonly redactionKey: string | null;
}

const WHOLE: Ruling = { rules: NO_RULES, redactionKey: null };

/** A SQLite file as D1 would have it: with its limits, from now on. */
export function asD1(db: DatabaseSync): Source {
  Object.assign(db.limits, D1_LIMITS);
  return sqliteSource(db);
}

/** Dumps a source; `snapshotBytes` 0 reads it page by page. */
export async function dumpSource(source: Source, snapshotBytes: number, ruling = WHOLE): Promise<Dumped> {
  const parts: Buffer[] = [];
  let position = 0;
  let start = 0;
  let end = 0;
  const output = {
    get position() {
      return position;
    },
    write(bytes: Uint8Array) {
      parts.push(Buffer.from(bytes));
      position += bytes.length;
    },
    endStatement() {},
    beginBody() {
      start = position;
    },
    endBody() {
      end = position;
    },
  };
  const run = dump(source, { ...INFO, ...ruling, snapshotBytes, output });
  let step = await run.next();
  while (!step.done) step = await run.next();
  const sql = Buffer.concat(parts);
  return { sql, body: sql.subarray(start, end), summary: step.value };
}

/** Local D1 databases, dumped and restored by the code that production uses, inside workerd. */
export interface D1Engine {
  dump(database: string, snapshotBytes: number, ruling?: Ruling): Promise<Dumped>;
  /** Restores a dump; `autocommit` runs each statement by itself. Null, or why it failed. */
  restore(database: string, options: { sql: Buffer; mode: "transaction" | "autocommit" }): Promise<string | null>;
  /** The file of a database; complete once the engine is stopped. */
  file(database: string): string;
  stop(): Promise<void>;
  remove(): void;
}

/** Starts workerd with these databases, empty or as `persistence` has them. */
export async function startD1(databases: readonly string[], persistence?: string): Promise<D1Engine> {
  const folder = mkdtempSync(join(tmpdir(), "patina-dump-"));
  const script = bundleWorker(folder, { name: "dump-worker", main: join(import.meta.dirname, "worker.ts") });
  const resources = persistence ?? join(folder, "state");
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        {
          name: "dump",
          compatibilityDate: "2026-11-17",
          rootPath: folder,
          modules: [{ type: "ESModule", path: script }],
          d1Databases: Object.fromEntries(databases.map((name, i) => [`D${i}`, name])),
        },
      ],
      port: 0,
      cf: false,
      resourcePersistencePath: resources,
      log: new Log(LogLevel.ERROR),
    }),
  );
  await miniflare.ready;
  const ask = async (path: string, body?: Buffer) => {
    // Restoring into SQLite may have held the event loop for longer than workerd keeps a connection open: its end has to
    // be noticed before the next request takes that connection.
    await setImmediate();
    return await miniflare.dispatchFetch(`http://dump/${path}`, body === undefined ? {} : { method: "POST", body });
  };
  const binding = (name: string) => `D${databases.indexOf(name)}`;
  return {
    async dump(name, snapshotBytes, ruling = WHOLE) {
      const asked = Buffer.from(JSON.stringify({ ...ruling, snapshotBytes }));
      const answer = await ask(`dump?binding=${binding(name)}`, asked);
      const bytes = Buffer.from(await answer.arrayBuffer());
      if (!answer.ok) throw new Error(`Cannot dump ${name}: ${bytes.toString()}`);
      const line = bytes.indexOf(10);
      const { summary, body } = JSON.parse(bytes.subarray(0, line).toString());
      const sql = bytes.subarray(line + 1);
      return { sql, body: sql.subarray(body.start, body.end), summary };
    },
    async restore(name, { sql, mode }) {
      const answer = await ask(`restore?binding=${binding(name)}&mode=${mode}`, sql);
      const text = await answer.text();
      return answer.ok ? null : text;
    },
    file: (name) => d1Path(resources, name),
    stop: () => miniflare.dispose(),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
