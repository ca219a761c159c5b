import { archiveKey, dumpKey, manifestKey } from "@patina/archive/keys";
import { encodeManifest, type Manifest } from "@patina/archive/manifest";
import { Budget } from "@patina/archiver/budget";
import { checkArchive } from "@patina/archiver/check-archive";
import { planArchive } from "@patina/archiver/plan-archive";
import type { ArchiverContext } from "@patina/archiver/upkeep";
import { writeArchive } from "@patina/archiver/write-archive";
import { findArchive, openArchive } from "@patina/catalog/archives";
import { openCatalog } from "@patina/catalog/catalog";
import { datesOf } from "@patina/core/week";
import { createLog } from "@patina/worker/log";
import { overridden, sampledBucket } from "./sampled.ts";

/** The archiver's own code as the benchmarks call it, and plain copies of the same bytes that it is compared with. */
interface BenchEnv {
  readonly BUCKET: R2Bucket;
  /** Takes a sample of this isolate's memory before it answers. */
  readonly SAMPLER: Fetcher;
  readonly [binding: string]: unknown;
}

const WEEK = "2026-W47";
const KEY = archiveKey({ is: "archive", week: WEEK });
const COPY = "copy.tar.gz";
const READ_BYTES = 1_048_576;
const PART_BYTES = 8 * 1_048_576;

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const catalog = env[searchParams.get("binding") ?? ""] as D1Database;
    switch (pathname) {
      case "/store":
        return Response.json(await store(request, { fields: searchParams, bucket: env.BUCKET }));
      case "/write":
        return Response.json(await write(catalog, env.BUCKET));
      case "/compose":
        return Response.json(await write(catalog, forgetful(env.BUCKET)));
      case "/sampled-write":
        return Response.json(
          await write(
            catalog,
            sampledBucket(env.BUCKET, () => sample(env)),
          ),
        );
      case "/check":
        return Response.json(await check(catalog, env.BUCKET));
      case "/copy-dailies":
        return Response.json(await copyDailies(env.BUCKET));
      case "/send-parts":
        return Response.json(await sendParts(Number(searchParams.get("bytes")), env.BUCKET));
      case "/read":
        return Response.json(await read(env.BUCKET));
      default:
        return new Response("no such measurement", { status: 404 });
    }
  },
} satisfies ExportedHandler<BenchEnv>;

/** Stores a dump as the daily backup of a date, with a manifest that says of it what the archiver wants to know. */
async function store(request: Request, { fields, bucket }: { fields: URLSearchParams; bucket: R2Bucket }) {
  const [date = "", name = "", raw = "", sha256 = ""] = ["date", "name", "raw", "sha256"].map(
    (field) => fields.get(field) ?? "",
  );
  const ref = { kind: "daily", date, database: name } as const;
  const { etag, size } = (await bucket.put(dumpKey(ref), request.body)) ?? { etag: "", size: 0 };
  const time = `${date}T03:00:00.000Z`;
  const manifest: Manifest = {
    ...{ patina: "manifest", format: 1, database: name, environment: "bench", job: `nightly-${date}`, generation: 1 },
    ...{ kind: "daily", date, startedAt: time, finishedAt: time, mode: "snapshot", consistency: "snapshot" },
    object: { key: dumpKey(ref), bytes: size, sha256, etag },
    sql: { format: 1, bytes: Number(raw), sha256, body: { start: 0, end: 0, sha256 } },
    ...{ rows: 0, tables: [], restartPoints: [], warnings: [], queries: 0, rowsRead: 0 },
  };
  await bucket.put(manifestKey(ref), encodeManifest(manifest));
  return { stored: size };
}

/** Plans the week's archive anew and writes it. */
async function write(database: D1Database, bucket: R2Bucket) {
  await database.prepare("delete from archives").run();
  const context = await contextOf(database, bucket);
  const date = datesOf(WEEK)[0] ?? "";
  const opened = await openArchive(context.catalog, { week: WEEK, jobId: "weekly-2026-11-22", date, now: 0 });
  const { state, bytes, rawBytes } = await writeArchive(await planArchive(opened, context), context);
  if (state !== "checking") throw new Error(`The archive was left ${state}`);
  return { stored: bytes, raw: rawBytes };
}

/** Reads the archive back, every byte of it. */
async function check(database: D1Database, bucket: R2Bucket) {
  const context = await contextOf(database, bucket);
  const written = await findArchive(context.catalog, WEEK);
  if (written === undefined) throw new Error("There is no archive");
  const { state, bytes } = await checkArchive(written, context);
  if (state !== "checked") throw new Error(`The archive was left ${state}`);
  return { stored: bytes };
}

async function contextOf(database: D1Database, bucket: R2Bucket): Promise<ArchiverContext> {
  const none = { send: async () => undefined } as unknown as Queue;
  return {
    catalog: await openCatalog(database),
    bucket,
    upkeep: none,
    results: none,
    // One archive is all that is done: its budget never ends.
    scratch: () => {
      throw new TypeError("Nothing is drilled here");
    },
    budget: new Budget(() => 0, { queries: Number.POSITIVE_INFINITY, requests: Number.POSITIVE_INFINITY }),
    environment: "bench",
    clock: Date.now,
    holder: "bench",
    log: createLog("bench", { write: () => undefined }),
  };
}

async function sample({ SAMPLER }: BenchEnv): Promise<void> {
  // Only there when the rig asks for it: then samples show what is held.
  (globalThis as { gc?: () => void }).gc?.();
  await SAMPLER.fetch("http://sampler/");
}

/** Each daily dump copied to an object of its own, one after the other, without touching a byte. */
async function copyDailies(bucket: R2Bucket) {
  const { objects } = await bucket.list({ prefix: "daily/" });
  let stored = 0;
  for (const { key, size } of objects.filter((object) => object.key.endsWith(".sql.gz"))) {
    await bucket.put(`copy/${key}`, (await found(bucket, key)).body);
    stored += size;
  }
  return { stored };
}

/** So many bytes sent in parts that are in memory already. */
async function sendParts(bytes: number, bucket: R2Bucket) {
  const part = new Uint8Array(PART_BYTES);
  for (let at = 0; at < part.length; at += 65_536) crypto.getRandomValues(part.subarray(at, at + 65_536));
  const upload = await bucket.createMultipartUpload(COPY);
  const parts: R2UploadedPart[] = [];
  for (let at = 0; at < bytes; at += PART_BYTES) {
    parts.push(await upload.uploadPart(parts.length + 1, part.subarray(0, Math.min(PART_BYTES, bytes - at))));
  }
  const { size } = await upload.complete(parts);
  return { stored: size };
}

/** The archive read in large pieces, and nothing made of it. */
async function read(bucket: R2Bucket) {
  const reader = (await found(bucket, KEY)).body.getReader({ mode: "byob" });
  let stored = 0;
  for (let buffer = new Uint8Array(READ_BYTES); ; ) {
    const { value } = await reader.readAtLeast(buffer.length, buffer);
    if (value === undefined || value.length === 0) return { stored };
    stored += value.length;
    buffer = new Uint8Array(value.buffer);
  }
}

/** A bucket that is read as it is, and throws away what an upload sends. */
function forgetful(bucket: R2Bucket): R2Bucket {
  const upload = (key: string, uploadId: string) =>
    ({
      key,
      uploadId,
      uploadPart: async (partNumber: number) => ({ partNumber, etag: "none" }),
      complete: async () => ({ etag: "none" }),
    }) as unknown as R2MultipartUpload;
  return overridden(bucket, {
    createMultipartUpload: async (key) => upload(key, "none"),
    resumeMultipartUpload: upload,
  });
}

async function found(bucket: R2Bucket, key: string): Promise<R2ObjectBody> {
  const object = await bucket.get(key);
  if (object === null) throw new Error(`There is no object ${key}`);
  return object;
}
