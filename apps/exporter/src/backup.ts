import { GzipWriter } from "@patina/archive/gzip-writer";
import { type BackupRef, dumpKey, manifestKey } from "@patina/archive/keys";
import { decodeManifest, encodeManifest, type Manifest } from "@patina/archive/manifest";
import { timestamp } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { dump, SNAPSHOT_BYTES } from "@patina/dump/dump";
import type { Source } from "@patina/dump/source";
import { bucketError } from "./platform-errors.ts";
import { StoredObject, unchanged } from "./stored-object.ts";

export interface BackupRequest {
  readonly ref: BackupRef;
  readonly job: string;
  readonly generation: number;
  readonly environment: string;
  readonly source: Source;
  readonly bucket: R2Bucket;
  readonly clock: () => number;
}

/**
 * Makes one backup: object first, manifest last, so that a backup exists when, and only when, its manifest does.
 *
 * @returns the manifest and where it lies
 */
export async function makeBackup(request: BackupRequest): Promise<{ key: string; manifest: Manifest }> {
  const { ref, bucket, clock } = request;
  const startedAt = clock();
  const key = manifestKey(ref);
  const seen = await etagOf(bucket, key);
  const object = new StoredObject(bucket, { key: dumpKey(ref), seen: await etagOf(bucket, dumpKey(ref)) });
  try {
    const gzip = new GzipWriter();
    const run = dump(request.source, {
      database: ref.database,
      environment: request.environment,
      job: request.job,
      startedAt: timestamp(startedAt),
      snapshotBytes: SNAPSHOT_BYTES,
      output: gzip,
    });
    let step = await run.next();
    for (; !step.done; step = await run.next()) {
      for (const bytes of gzip.take()) await object.write(bytes);
    }
    const summary = step.value;
    const stored = gzip.end();
    for (const bytes of gzip.take()) await object.write(bytes);
    const etag = await object.finish(stored.storedSha256);
    const manifest: Manifest = {
      patina: "manifest",
      format: 1,
      database: ref.database,
      environment: request.environment,
      job: request.job,
      generation: request.generation,
      kind: ref.kind,
      date: ref.date,
      startedAt: timestamp(startedAt),
      finishedAt: timestamp(clock()),
      mode: summary.mode,
      consistency: summary.consistency,
      object: { key: dumpKey(ref), bytes: stored.storedBytes, sha256: stored.storedSha256, etag },
      sql: { format: 1, bytes: stored.rawBytes, sha256: stored.rawSha256, body: stored.body },
      rows: summary.rows,
      tables: [...summary.tables],
      restartPoints: stored.restartPoints.map(([at, raw]) => [at, raw]),
      warnings: [...summary.warnings],
      queries: summary.queries,
      rowsRead: summary.rowsRead,
    };
    await putManifest(bucket, { key, manifest, seen });
    return { key, manifest };
  } catch (error) {
    await object.abandon();
    throw error;
  }
}

async function etagOf(bucket: R2Bucket, key: string): Promise<string | null> {
  try {
    return (await bucket.head(key))?.etag ?? null;
  } catch (cause) {
    throw bucketError(key, cause);
  }
}

async function putManifest(
  bucket: R2Bucket,
  { key, manifest, seen }: { key: string; manifest: Manifest; seen: string | null },
): Promise<void> {
  let stored: R2Object | null;
  try {
    stored = await bucket.put(key, encodeManifest(manifest), {
      onlyIf: unchanged(seen),
      httpMetadata: { contentType: "application/json" },
    });
  } catch (cause) {
    throw bucketError(key, cause);
  }
  if (stored === null) {
    throw new PatinaError("lease_lost", `Cannot store manifest "${key}": somebody else has written it meanwhile`);
  }
}

/**
 * The backup that an earlier delivery of the same task has finished, if there is one: its manifest is there, of this job
 * and generation, and the object it names is still the one it was written for.
 */
export async function findBackup(
  bucket: R2Bucket,
  { ref, job, generation }: { ref: BackupRef; job: string; generation: number },
): Promise<{ key: string; manifest: Manifest } | null> {
  const key = manifestKey(ref);
  try {
    const stored = await bucket.get(key);
    if (stored === null) return null;
    const manifest = decodeManifest(await stored.text());
    if (manifest.job !== job || manifest.generation !== generation) return null;
    const object = await bucket.head(manifest.object.key);
    return object?.etag === manifest.object.etag ? { key, manifest } : null;
  } catch (cause) {
    // An unreadable manifest is no backup; it is written again.
    if (cause instanceof PatinaError && cause.code === "manifest_invalid") return null;
    throw bucketError(key, cause);
  }
}
