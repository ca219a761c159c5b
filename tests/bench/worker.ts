import { once } from "node:events";
import { createGzip } from "node:zlib";
import { GzipWriter } from "@patina/archive/gzip-writer";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import { decodeManifest } from "@patina/archive/manifest";
import { Budget as DrillBudget } from "@patina/archiver/budget";
import { restoreAndProve } from "@patina/archiver/drill-restore";
import type { ScratchDatabase } from "@patina/archiver/scratch-state";
import { verdictOf } from "@patina/core/drill";
import { NO_RULES } from "@patina/core/rules";
import { contentOf } from "@patina/dump/content";
import { dump, SNAPSHOT_BYTES } from "@patina/dump/dump";
import { PageRooms } from "@patina/dump/page-room";
import { MAX_SINGLE_ROWS } from "@patina/dump/paged-reader";
import { openReading } from "@patina/dump/reading";
import type { Source } from "@patina/dump/source";
import { makeBackup } from "@patina/exporter/backup";
import { Budget } from "@patina/exporter/budget";
import { d1Source } from "@patina/exporter/d1-source";
import { Part } from "@patina/worker/part";
import { StoredObject } from "@patina/worker/stored-object";
import { Gzip } from "fflate";
import { sampledBucket } from "./sampled.ts";

export { Scratch } from "@patina/archiver/scratch";

/** The exporter's own code as the benchmarks call it, and the simple Worker that it is compared with. */
interface BenchEnv {
  readonly BUCKET: R2Bucket;
  /** Takes a sample of this isolate's memory before it answers. */
  readonly SAMPLER: Fetcher;
  readonly [binding: string]: unknown;
}

const JOB = "manual-20261120-000000-000000";
const DATE = "2026-11-20";

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const database = searchParams.get("database") ?? "";
    const binding = env[searchParams.get("binding") ?? ""] as D1Database;
    switch (pathname) {
      case "/backup":
        return Response.json(await backup(d1Source(database, binding), { database, bucket: env.BUCKET }));
      case "/sampled-backup":
        return Response.json(await sampledBackup(d1Source(database, binding), { database, env }));
      case "/sampled-reading":
        return Response.json(await fastRows(sampledSource(d1Source(database, binding), env)));
      case "/backup-at-level":
        return Response.json(
          await backupAtLevel(d1Source(database, binding), {
            database,
            bucket: env.BUCKET,
            level: Number(searchParams.get("level")),
          }),
        );
      case "/drill":
        return Response.json(await drill(database, env));
      case "/stored":
        return new Response((await found(env.BUCKET, dumpKey(ref(database)))).body);
      case "/naive":
        return Response.json(await naive(binding, { table: searchParams.get("table") ?? "", bucket: env.BUCKET }));
      case "/stored-again":
        return Response.json(await storedAgain(database, env.BUCKET));
      case "/fast-rows":
        return Response.json(await fastRows(d1Source(database, binding)));
      case "/text":
        text = new Uint8Array(await request.arrayBuffer());
        return Response.json({ raw: text.length });
      case "/compress":
        return Response.json({
          stored: await compressed(text, searchParams.get("way") ?? "", Number(searchParams.get("level"))),
        });
      default:
        return new Response("no such measurement", { status: 404 });
    }
  },
} satisfies ExportedHandler<BenchEnv>;

/** What /compress compresses. */
let text = new Uint8Array();

const ref = (database: string) => ({ kind: "manual", date: DATE, job: JOB, database }) as const;

/** Nothing else is measured beside one export: its budget never ends. */
const UNLIMITED = { until: Number.POSITIVE_INFINITY, queries: Number.POSITIVE_INFINITY };

/** Nothing is left out or replaced. */
const UNCHANGED = { rules: NO_RULES, redactionKey: null };

/** Without a catalog nobody remembers uploads. */
const FORGETFUL = { note: async () => undefined, forget: async () => undefined, open: async () => [] };

async function backup(source: Source, { database, bucket }: { database: string; bucket: R2Bucket }) {
  const made = await makeBackup(
    {
      ref: ref(database),
      job: JOB,
      generation: 1,
      environment: "bench",
      source,
      isCertain: false,
      ...UNCHANGED,
      bucket,
      uploads: FORGETFUL,
      budget: new Budget(UNLIMITED, Date.now),
      clock: Date.now,
    },
    null,
  );
  if (made.end !== "finished") throw new Error(`The backup of ${database} was left unfinished`);
  const { rows, queries, rowsRead, mode, consistency, object, sql } = made.backup.manifest;
  return { rows, queries, rowsRead, mode, consistency, stored: object.bytes, raw: sql.bytes };
}

/** Restores a stored backup into a scratch database and compares it, with a sample of memory after each call. */
async function drill(database: string, env: BenchEnv) {
  const manifest = decodeManifest(await (await found(env.BUCKET, manifestKey(ref(database)))).text());
  const scratch = (env["SCRATCH"] as DurableObjectNamespace).getByName(database) as unknown as ScratchDatabase;
  const sampled = async <T>(answer: Promise<T>): Promise<T> => {
    const given = await answer;
    await sample(env);
    return given;
  };
  const begin = Date.now();
  const restored = await restoreAndProve({
    manifest,
    subject: "bench",
    check: async () => ({ name: "object", end: "passed", findings: [] }),
    stored: {
      async read(offset, length) {
        const range = { offset, length };
        const object = await env.BUCKET.get(manifest.object.key, { range });
        return new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer(0));
      },
    },
    scratch: () => ({
      begin: (restore) => scratch.begin(restore),
      keep: (object) => scratch.keep(object),
      load: (part) => sampled(scratch.load(part)),
      prove: (facts) => sampled(scratch.prove(facts)),
      empty: () => scratch.empty(),
    }),
    budget: new DrillBudget(() => 0, { requests: Number.POSITIVE_INFINITY }),
    clock: Date.now,
    restoreMs: 0,
    note: async () => undefined,
  });
  const ms = Date.now() - begin;
  await scratch.empty();
  const { checks = [], restoreMs = 0, rowsWritten = 0 } = restored ?? {};
  return { verdict: verdictOf(checks), ms, restoreMs, rowsWritten, raw: manifest.sql.bytes };
}

async function sample(env: BenchEnv): Promise<void> {
  // Only there when the rig asks for it: then samples show what is held.
  (globalThis as { gc?: () => void }).gc?.();
  await env.SAMPLER.fetch("http://sampler/");
}

/** A backup that stops after each page and each part, and while it is read back, for a sample of its memory. */
async function sampledBackup(source: Source, { database, env }: { database: string; env: BenchEnv }) {
  const bucket = sampledBucket(env.BUCKET, () => sample(env));
  return await backup(sampledSource(source, env), { database, bucket });
}

function sampledSource(source: Source, env: BenchEnv): Source {
  return {
    async batch(queries) {
      const results = await source.batch(queries);
      await sample(env);
      return results;
    },
  };
}

/** How many rows SQLite itself could write as literals, of all rows. */
async function fastRows(source: Source) {
  const reading = await openReading(source, {
    snapshotBytes: SNAPSHOT_BYTES,
    batchQueries: Number.POSITIVE_INFINITY,
    singleRows: MAX_SINGLE_ROWS,
    isTolerant: true,
    rules: NO_RULES,
    state: null,
    rooms: new PageRooms(),
  });
  let fast = 0;
  let rows = 0;
  for (const transfer of contentOf(reading.schema).tables) {
    for await (const page of reading.rows(transfer, null)) {
      for (const part of page.rows) {
        const count = part.kind === "row" ? 1 : part.block.ends.length;
        rows += count;
        if (part.kind !== "row") fast += count;
      }
    }
  }
  return { fast, rows };
}

/** The same pipeline as the exporter's with another level of compression, up to the finished object, which nobody reads back. */
async function backupAtLevel(
  source: Source,
  { database, bucket, level }: { database: string; bucket: R2Bucket; level: number },
) {
  const key = `level/${database}.sql.gz`;
  const seen = (await bucket.head(key))?.etag ?? null;
  const state = { seen, uploadId: null, parts: [], rest: new Uint8Array(0) };
  const object = new StoredObject(bucket, { key, uploads: FORGETFUL, state, room: [new Part(), new Part()] });
  const gzip = new GzipWriter({ level });
  const run = dump(source, {
    database,
    environment: "bench",
    job: JOB,
    startedAt: `${DATE}T00:00:00Z`,
    snapshotBytes: SNAPSHOT_BYTES,
    ...UNCHANGED,
    output: gzip,
  });
  for (let step = await run.next(); !step.done; step = await run.next()) {
    for (const bytes of gzip.take()) await object.write(bytes);
  }
  const { storedBytes, rawBytes } = gzip.end();
  for (const bytes of gzip.take()) await object.write(bytes);
  await object.finish();
  return { stored: storedBytes, raw: rawBytes };
}

/** Stores as many bytes as the database's backup has, in the same way. */
async function storedAgain(database: string, bucket: R2Bucket) {
  const key = `again/${database}.sql.gz`;
  const { size } = (await bucket.head(dumpKey(ref(database)))) ?? { size: 0 };
  const seen = (await bucket.head(key))?.etag ?? null;
  const state = { seen, uploadId: null, parts: [], rest: new Uint8Array(0) };
  const object = new StoredObject(bucket, { key, uploads: FORGETFUL, state, room: [new Part(), new Part()] });
  const piece = new Uint8Array(PIECE);
  for (let left = size; left > 0; left -= piece.length) await object.write(piece.subarray(0, left));
  await object.finish();
  return { stored: size };
}

async function found(bucket: R2Bucket, key: string): Promise<R2ObjectBody> {
  const object = await bucket.get(key);
  if (object === null) throw new Error(`There is no object ${key}`);
  return object;
}

/** What most hand-written backup Workers do: pages by OFFSET, literals made in JavaScript, one string, one put. */
async function naive(binding: D1Database, { table, bucket }: { table: string; bucket: R2Bucket }) {
  const lines: string[] = [];
  for (let offset = 0; ; offset += 1_000) {
    const { results } = await binding.prepare(`SELECT * FROM "${table}" LIMIT 1000 OFFSET ${offset}`).all();
    for (const row of results)
      lines.push(`INSERT INTO "${table}" VALUES(${Object.values(row).map(naiveLiteral).join(",")});`);
    if (results.length < 1_000) break;
  }
  const sql = lines.join("\n");
  await bucket.put("naive.sql", sql);
  return { raw: sql.length };
}

function naiveLiteral(value: unknown): string {
  if (value === null) return "NULL";
  if (typeof value === "number") return String(value);
  // D1 hands a BLOB over as an array of numbers.
  if (Array.isArray(value)) return `X'${value.map((byte) => byte.toString(16).padStart(2, "0")).join("")}'`;
  return `'${String(value).replaceAll("'", "''")}'`;
}

/** Bytes that a text takes, compressed in pieces of 64 KiB as they would arrive. */
async function compressed(bytes: Uint8Array, way: string, level: number): Promise<number> {
  const pieces = Array.from({ length: Math.ceil(bytes.length / PIECE) }, (_, i) =>
    bytes.subarray(i * PIECE, (i + 1) * PIECE),
  );
  switch (way) {
    case "GzipWriter": {
      const gzip = new GzipWriter({ level });
      for (const piece of pieces) {
        gzip.write(piece);
        gzip.endStatement();
        gzip.take();
      }
      return gzip.end().storedBytes;
    }
    case "node:zlib": {
      const gzip = createGzip({ level });
      let stored = 0;
      gzip.on("data", (part: Uint8Array) => {
        stored += part.length;
      });
      const ended = once(gzip, "end");
      for (const piece of pieces) if (!gzip.write(piece)) await once(gzip, "drain");
      gzip.end();
      await ended;
      return stored;
    }
    case "CompressionStream": {
      const stream = new CompressionStream("gzip");
      const writer = stream.writable.getWriter();
      const write = async () => {
        for (const piece of pieces) await writer.write(piece);
        await writer.close();
      };
      let stored = 0;
      const read = async () => {
        for await (const part of stream.readable as unknown as AsyncIterable<Uint8Array>) stored += part.length;
      };
      await Promise.all([write(), read()]);
      return stored;
    }
    case "fflate": {
      let stored = 0;
      const gzip = new Gzip({ level: level as 1 }, (part: Uint8Array) => {
        stored += part.length;
      });
      for (const [i, piece] of pieces.entries()) gzip.push(piece, i === pieces.length - 1);
      return stored;
    }
    default:
      throw new Error(`There is no way to compress called ${way}`);
  }
}

const PIECE = 65_536;
