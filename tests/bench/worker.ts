import { once } from "node:events";
import { createGzip } from "node:zlib";
import { GzipWriter } from "@patina/archive/gzip-writer";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import { decodeManifest } from "@patina/archive/manifest";
import { readBack } from "@patina/archive/read-back";
import { NO_RULES } from "@patina/core/rules";
import { contentOf } from "@patina/dump/content";
import { dump, SNAPSHOT_BYTES } from "@patina/dump/dump";
import { openReading } from "@patina/dump/reading";
import { SEPARATOR } from "@patina/dump/row-block";
import type { Source } from "@patina/dump/source";
import { makeBackup } from "@patina/exporter/backup";
import { Budget } from "@patina/exporter/budget";
import { d1Source } from "@patina/exporter/d1-source";
import { StoredObject } from "@patina/worker/stored-object";
import { Gzip } from "fflate";

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
      case "/backup-at-level":
        return Response.json(
          await backupAtLevel(d1Source(database, binding), {
            database,
            bucket: env.BUCKET,
            level: Number(searchParams.get("level")),
          }),
        );
      case "/read-back":
        return Response.json(await readAgain(database, env.BUCKET));
      case "/stored":
        return new Response((await found(env.BUCKET, dumpKey(ref(database)))).body);
      case "/naive":
        return Response.json(await naive(binding, { table: searchParams.get("table") ?? "", bucket: env.BUCKET }));
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

/** A backup that stops after each page and each part for a sample of its memory. */
async function sampledBackup(source: Source, { database, env }: { database: string; env: BenchEnv }) {
  const sample = async () => {
    // Only there when the rig asks for it: then samples show what is held.
    (globalThis as { gc?: () => void }).gc?.();
    await env.SAMPLER.fetch("http://sampler/");
  };
  const sampledSource: Source = {
    async batch(queries) {
      const results = await source.batch(queries);
      await sample();
      return results;
    },
  };
  return await backup(sampledSource, { database, bucket: sampledBucket(env.BUCKET, sample) });
}

function sampledBucket(bucket: R2Bucket, sample: () => Promise<void>): R2Bucket {
  return overridden(bucket, {
    async createMultipartUpload(...given: Parameters<R2Bucket["createMultipartUpload"]>) {
      const upload = await bucket.createMultipartUpload(...given);
      return overridden(upload, {
        async uploadPart(...part: Parameters<R2MultipartUpload["uploadPart"]>) {
          await sample();
          return await upload.uploadPart(...part);
        },
      });
    },
  });
}

/** An object of which some methods are others. */
function overridden<T extends object>(original: T, methods: Partial<T>): T {
  return new Proxy(original, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name);
      const member = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

/** How many rows SQLite itself could write as literals, of all rows. */
async function fastRows(source: Source) {
  const reading = await openReading(source, {
    snapshotBytes: SNAPSHOT_BYTES,
    batchQueries: Number.POSITIVE_INFINITY,
    isTolerant: true,
    rules: NO_RULES,
    state: null,
  });
  let fast = 0;
  let rows = 0;
  for (const transfer of contentOf(reading.schema).tables) {
    for await (const page of reading.rows(transfer, null)) {
      for (const part of page.rows) {
        const count = part.kind === "row" ? 1 : part.kind === "block" ? part.block.ends.length : lines(part.text);
        rows += count;
        if (part.kind !== "row") fast += count;
      }
    }
  }
  return { fast, rows };
}

function lines(page: string): number {
  return page.split(SEPARATOR).length;
}

/** The same pipeline as the exporter's with another level of compression. */
async function backupAtLevel(
  source: Source,
  { database, bucket, level }: { database: string; bucket: R2Bucket; level: number },
) {
  const key = `level/${database}.sql.gz`;
  const seen = (await bucket.head(key))?.etag ?? null;
  const state = { seen, uploadId: null, parts: [], rest: new Uint8Array(0) };
  const object = new StoredObject(bucket, { key, uploads: FORGETFUL, state });
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

/** Reads a whole stored object again and recomputes its digests. */
async function readAgain(database: string, bucket: R2Bucket) {
  const { object, sql } = decodeManifest(await (await found(bucket, manifestKey(ref(database)))).text());
  const { body } = await found(bucket, object.key);
  const { digests, storedBytes } = await readBack(body, { key: object.key, body: sql.body });
  if (digests.stored !== object.sha256 || digests.raw !== sql.sha256) {
    throw new Error(`The stored object of ${database} is not what its manifest says`);
  }
  return { stored: storedBytes };
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
