import { type GzipState, GzipWriter } from "@patina/archive/gzip-writer";
import { type BackupRef, dumpKey, manifestKey } from "@patina/archive/keys";
import { decodeManifest, encodeManifest, type Manifest } from "@patina/archive/manifest";
import { type Digests, readBack } from "@patina/archive/read-back";
import { timestamp } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { hasRules, type Rules } from "@patina/core/rules";
import { type DumpState, dump, SNAPSHOT_BYTES } from "@patina/dump/dump";
import { keyId } from "@patina/dump/keyed-digest";
import type { Source } from "@patina/dump/source";
import { bucketError } from "@patina/worker/bucket-error";
import { type ObjectState, StoredObject, type Uploads, unchanged } from "@patina/worker/stored-object";
import type { Budget } from "./budget.ts";
import type { Checkpoint, SealedObject, SealedStage, WritingStage } from "./checkpoint.ts";

export interface BackupRequest {
  readonly ref: BackupRef;
  readonly job: string;
  readonly generation: number;
  readonly environment: string;
  readonly source: Source;
  /** Whether a database of many pages is read twice. */
  readonly isCertain: boolean;
  readonly rules: Rules;
  /** The key of the digests that rules ask for; null when there is none. */
  readonly redactionKey: string | null;
  readonly bucket: R2Bucket;
  readonly uploads: Uploads;
  readonly budget: Budget;
  readonly clock: () => number;
}

/** A backup that exists: its manifest, and where that lies. */
export interface Backup {
  readonly key: string;
  readonly manifest: Manifest;
}

/** What came of one invocation's work. */
export type Made =
  | { readonly end: "finished"; readonly backup: Backup }
  | { readonly end: "paused"; readonly checkpoint: Checkpoint };

/** Readings of a database that is written to meanwhile; the last one's dump is taken as it is, and called fuzzy. */
const MAX_READINGS = 3;

/**
 * Makes one backup, or goes on with one: object first, manifest last, so that a backup exists when, and only when, its
 * manifest does. A reading during which somebody wrote is thrown away and begun again.
 */
export async function makeBackup(request: BackupRequest, checkpoint: Checkpoint | null): Promise<Made> {
  let state = checkpoint ?? (await begin(request));
  for (;;) {
    try {
      return await goOn(request, state);
    } catch (error) {
      if (!(error instanceof PatinaError) || !mustRestart(error, state)) throw error;
      state = await begin(
        request,
        state.attempt + (error.code === "upload_lost" || error.code === "lease_lost" ? 0 : 1),
      );
    }
  }
}

function mustRestart({ code }: PatinaError, { attempt, stage }: State): boolean {
  // An upload that is gone, or an object that nobody was known to write, may be this task's own, completed before it stopped.
  if (code === "upload_lost" || code === "lease_lost") return stage.kind === "writing" && stage.dump !== null;
  const isSpoilt = code === "source_changed" || code === "schema_changed" || code === "backup_damaged";
  return isSpoilt && attempt < MAX_READINGS;
}

/** A checkpoint, or the state before the first byte. */
type State = Omit<Checkpoint, "stage"> & { readonly stage: Writing | SealedStage };
type Writing = Omit<WritingStage, "dump" | "gzip"> & {
  readonly dump: DumpState | null;
  readonly gzip: GzipState | null;
};

async function begin({ ref, job, generation, bucket, clock }: BackupRequest, attempt = 1): Promise<State> {
  const startedAt = clock();
  const manifestSeen = await etagOf(bucket, manifestKey(ref));
  const seen = await etagOf(bucket, dumpKey(ref));
  const object: ObjectState = { seen, uploadId: null, parts: [], rest: new Uint8Array(0) };
  return {
    patina: "checkpoint",
    version: 1,
    job,
    database: ref.database,
    generation,
    attempt,
    startedAt,
    manifestSeen,
    stage: { kind: "writing", dump: null, gzip: null, object },
  };
}

async function goOn(request: BackupRequest, state: State): Promise<Made> {
  const { stage } = state;
  if (stage.kind === "sealed") return await finish(request, { state, sealed: stage.sealed, digests: null });
  const written = await write(request, { state, stage });
  if (written.end === "paused") return { end: "paused", checkpoint: { ...state, stage: written.stage } };
  const { sealed, digests } = written;
  if (digests === null && request.budget.isSpent) {
    return { end: "paused", checkpoint: { ...state, stage: { kind: "sealed", sealed } } };
  }
  return await finish(request, { state, sealed, digests });
}

type Written =
  | { readonly end: "paused"; readonly stage: Checkpoint["stage"] }
  | { readonly end: "sealed"; readonly sealed: SealedObject; readonly digests: Digests | null };

async function write(request: BackupRequest, { state, stage }: { state: State; stage: Writing }): Promise<Written> {
  const { ref, source, bucket, uploads, budget } = request;
  const gzip = new GzipWriter({ state: stage.gzip });
  const object = new StoredObject(bucket, { key: dumpKey(ref), uploads, state: stage.object });
  try {
    const run = dump(source, {
      database: ref.database,
      environment: request.environment,
      job: request.job,
      startedAt: timestamp(state.startedAt),
      snapshotBytes: SNAPSHOT_BYTES,
      batchQueries: budget.batchQueries,
      isTolerant: state.attempt >= MAX_READINGS,
      isCertain: request.isCertain,
      rules: request.rules,
      redactionKey: request.redactionKey,
      output: gzip,
      state: stage.dump,
    });
    let step = await run.next();
    for (; !step.done; step = await run.next()) {
      for (const bytes of gzip.take()) await object.write(bytes);
      const left = budget.isSpent ? step.value.state() : null;
      if (left === null) continue;
      return { end: "paused", stage: { kind: "writing", dump: left, gzip: gzip.state, object: await object.pause() } };
    }
    const { digests, ...stored } = gzip.end();
    for (const bytes of gzip.take()) await object.write(bytes);
    const etag = await object.finish();
    return { end: "sealed", sealed: { etag, dump: step.value, gzip: stored }, digests };
  } catch (error) {
    // What a checkpoint still needs must stay, unless the reading is begun again.
    const isKept = stage.object.uploadId !== null && error instanceof PatinaError && !mustRestart(error, state);
    if (!isKept) await object.abandon();
    throw error;
  }
}

/** Writes the manifest: from now on there is a backup. */
async function finish(
  request: BackupRequest,
  { state, sealed, digests }: { state: State; sealed: SealedObject; digests: Digests | null },
): Promise<Made> {
  const { ref, bucket, clock } = request;
  const { dump: summary, gzip, etag } = sealed;
  const { stored, raw, body } = digests ?? (await digestsOf(request, sealed));
  const key = manifestKey(ref);
  const manifest: Manifest = {
    patina: "manifest",
    format: 1,
    database: ref.database,
    environment: request.environment,
    job: request.job,
    generation: request.generation,
    kind: ref.kind,
    date: ref.date,
    startedAt: timestamp(state.startedAt),
    finishedAt: timestamp(clock()),
    mode: summary.mode,
    consistency: summary.consistency,
    object: { key: dumpKey(ref), bytes: gzip.storedBytes, sha256: stored, etag },
    sql: { format: 1, bytes: gzip.rawBytes, sha256: raw, body: { ...gzip.body, sha256: body } },
    rows: summary.rows,
    tables: [...summary.tables],
    restartPoints: gzip.restartPoints.map(([at, rawAt]) => [at, rawAt]),
    ...applied(request),
    warnings: [...summary.warnings],
    queries: summary.queries,
    rowsRead: summary.rowsRead,
  };
  await putManifest(bucket, { key, manifest, seen: state.manifestSeen });
  return { end: "finished", backup: { key, manifest } };
}

/** What the manifest says of the rules. */
function applied({ rules, redactionKey }: BackupRequest): Pick<Manifest, "rules"> {
  if (!hasRules(rules)) return {};
  const redactions = rules.redactions.map(({ table, column, as }) => ({ table, column, as }));
  const usesKey = redactions.some(({ as }) => as === "digest");
  const id = usesKey && redactionKey !== null ? keyId(redactionKey) : null;
  return { rules: { redactions, excludedTables: [...rules.excludedTables], keyId: id } };
}

/** Digests of an object that several invocations wrote, from the object itself. */
async function digestsOf({ ref, bucket }: BackupRequest, { etag, gzip }: SealedObject): Promise<Digests> {
  const key = dumpKey(ref);
  let object: R2ObjectBody | R2Object | null;
  try {
    object = await bucket.get(key, { onlyIf: { etagMatches: etag } });
  } catch (cause) {
    throw bucketError(key, cause);
  }
  if (object === null || !("body" in object)) {
    throw new PatinaError("lease_lost", `Cannot read object "${key}": somebody else has written it meanwhile`);
  }
  const read = await readBack(object.body, { key, body: gzip.body }).catch((cause: unknown) => {
    throw bucketError(key, cause);
  });
  if (read.storedBytes !== gzip.storedBytes || read.rawBytes !== gzip.rawBytes) {
    throw new PatinaError("backup_damaged", `Cannot read object "${key}": it has another size than was written`);
  }
  return read.digests;
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
): Promise<Backup | null> {
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
