import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
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

/** A SQLite file as D1 would have it: with its limits, until liftLimits(). */
export function asD1(db: DatabaseSync): Source {
  Object.assign(db.limits, D1_LIMITS);
  return sqliteSource(db);
}

/** A copy: the object itself ends with its database. */
const usual = { ...new DatabaseSync(":memory:").limits };

/** Gives a database SQLite's own limits again: what compares it asks more than D1 would answer. */
export function liftLimits(db: DatabaseSync): void {
  Object.assign(db.limits, usual);
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

/** Local D1 databases and Durable Objects, dumped and restored by the code that production uses, inside workerd. */
export interface D1Engine {
  dump(database: string, snapshotBytes: number, ruling?: Ruling): Promise<Dumped>;
  /** The same, but only the summary and the body's SHA-256. */
  digest(database: string, snapshotBytes: number): Promise<{ summary: DumpSummary; body: string }>;
  /** Restores a dump; `autocommit` runs each statement by itself. Null, or why it failed. */
  restore(database: string, options: { sql: Buffer; mode: "transaction" | "autocommit" }): Promise<string | null>;
  /** The file of a database; complete once the engine is stopped. */
  file(database: string): string;
  /** Restores a dump into a new Durable Object. */
  restoreObject(sql: Buffer): Promise<{ file: string } | { refusal: string }>;
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
          durableObjects: { SCRATCH: { className: "Scratch", useSQLite: true } },
        },
      ],
      port: 0,
      cf: false,
      resourcePersistencePath: resources,
      log: new Log(LogLevel.ERROR),
    }),
  );
  await miniflare.ready;
  const ask = async (path: string, body: Buffer) => {
    // Restoring into SQLite may have held the event loop for longer than workerd keeps a connection open: its end has to
    // be noticed before the next request takes that connection.
    await setImmediate();
    return await miniflare.dispatchFetch(`http://dump/${path}`, { method: "POST", body });
  };
  const binding = (name: string) => `binding=D${databases.indexOf(name)}`;
  let objects = 0;
  return {
    async dump(name, snapshotBytes, ruling = WHOLE) {
      const asked = Buffer.from(JSON.stringify({ ...ruling, snapshotBytes }));
      const answer = await ask(`dump?${binding(name)}`, asked);
      const bytes = Buffer.from(await answer.arrayBuffer());
      if (!answer.ok) throw new Error(`Cannot dump ${name}: ${bytes.toString()}`);
      const line = bytes.indexOf(10);
      const { summary, body } = JSON.parse(bytes.subarray(0, line).toString());
      const sql = bytes.subarray(line + 1);
      return { sql, body: sql.subarray(body.start, body.end), summary };
    },
    async digest(name, snapshotBytes) {
      const answer = await ask(`digest?${binding(name)}`, Buffer.from(JSON.stringify({ ...WHOLE, snapshotBytes })));
      if (!answer.ok) throw new Error(`Cannot dump ${name}: ${await answer.text()}`);
      return (await answer.json()) as { summary: DumpSummary; body: string };
    },
    async restore(name, { sql, mode }) {
      const answer = await ask(`${mode === "autocommit" ? "run" : "restore"}?${binding(name)}`, sql);
      const text = await answer.text();
      return answer.ok ? null : text;
    },
    file: (name) => d1Path(resources, name),
    async restoreObject(sql) {
      const answer = await ask(`restore-object?object=${objects++}`, sql);
      const text = await answer.text();
      return answer.ok ? { file: join(resources, "do", OBJECT_CLASS, `${text}.sqlite`) } : { refusal: text };
    },
    stop: () => miniflare.dispose(),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The folder in which miniflare keeps the objects of a class of a Worker. */
const OBJECT_CLASS = "dump-Scratch";
