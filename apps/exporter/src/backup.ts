import type { CatalogFacts } from "@patina/archive/catalog-facts";
import { type GzipState, GzipWriter } from "@patina/archive/gzip-writer";
import { type BackupRef, dumpKey, manifestKey } from "@patina/archive/keys";
import { encodeManifest, type Manifest } from "@patina/archive/manifest";
import { type ReadBack, readBack } from "@patina/archive/read-back";
import { differenceOf } from "@patina/archive/verification";
import { timestamp } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { hasRules, type Rules } from "@patina/core/rules";
import { type DumpState, dump, SNAPSHOT_BYTES } from "@patina/dump/dump";
import { keyId } from "@patina/dump/keyed-digest";
import type { Source } from "@patina/dump/source";
import { StatementCounter } from "@patina/dump/statement-counter";
import { asking, bucketError } from "@patina/worker/bucket-error";
import type { Backup } from "@patina/worker/finished-backup";
import { piecesOf } from "@patina/worker/object-pieces";
import { type ObjectState, StoredObject, type Uploads, unchanged } from "@patina/worker/stored-object";
import type { Budget } from "./budget.ts";
import { giveBack, takeBuffers } from "./buffers.ts";
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
  /** What the manifest says of the job, the task and the database. */
  readonly catalog?: CatalogFacts;
  readonly bucket: R2Bucket;
  readonly uploads: Uploads;
  readonly budget: Budget;
  readonly clock: () => number;
}

/** What came of one invocation's work. */
export type Made =
  | { readonly end: "finished"; readonly backup: Backup }
  | { readonly end: "paused"; readonly checkpoint: Checkpoint };

/** Readings of a database that is written to meanwhile; the last one's dump is taken as it is, and called fuzzy. */
const MAX_READINGS = 3;

/**
 * Makes one backup, or goes on with one: the object first; then it is read back; the manifest last, so that a backup
 * exists when, and only when, its manifest does, and none does that was not read back whole. A reading during which
 * somebody wrote, or that is stored as something else, is thrown away and begun again.
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
  if (code === "upload_lost" || code === "lease_lost") return stage.kind === "sealed" || stage.dump !== null;
  const isSpoilt = code === "source_changed" || code === "schema_changed" || code === "stored_otherwise";
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
  const [manifestSeen, seen] = await Promise.all([etagOf(bucket, manifestKey(ref)), etagOf(bucket, dumpKey(ref))]);
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
  if (stage.kind === "sealed") return await finish(request, { state, sealed: stage.sealed });
  const written = await write(request, { state, stage });
  if (written.end === "paused") return { end: "paused", checkpoint: { ...state, stage: written.stage } };
  const { sealed } = written;
  // Reading back asks the database nothing: only the time counts.
  if (request.budget.isLate) return { end: "paused", checkpoint: { ...state, stage: { kind: "sealed", sealed } } };
  return await finish(request, { state, sealed });
}

type Written =
  | { readonly end: "paused"; readonly stage: Checkpoint["stage"] }
  | { readonly end: "sealed"; readonly sealed: SealedObject };

async function write(request: BackupRequest, { state, stage }: { state: State; stage: Writing }): Promise<Written> {
  const { ref, source, bucket, uploads, budget } = request;
  const buffers = takeBuffers();
  const gzip = new GzipWriter({ state: stage.gzip, segment: buffers.segment });
  const object = new StoredObject(bucket, { key: dumpKey(ref), uploads, state: stage.object, room: buffers.parts });
  try {
    const run = dump(source, {
      database: ref.database,
      environment: request.environment,
      job: request.job,
      startedAt: timestamp(state.startedAt),
      snapshotBytes: SNAPSHOT_BYTES,
      batchQueries: budget.batchQueries,
      singleRows: budget.singleRows,
      isTolerant: state.attempt >= MAX_READINGS,
      isCertain: request.isCertain,
      rules: request.rules,
      redactionKey: request.redactionKey,
      output: gzip,
      rooms: buffers.rooms,
      state: stage.dump,
    });
    let step = await run.next();
    for (; !step.done; step = await run.next()) {
      for (const bytes of gzip.take()) await object.write(bytes);
      const left = budget.isSpent ? step.value.state() : null;
      if (left === null) continue;
      return { end: "paused", stage: { kind: "writing", dump: left, gzip: gzip.state, object: await object.pause() } };
    }
    const stored = gzip.end();
    for (const bytes of gzip.take()) await object.write(bytes);
    const etag = await object.finish();
    giveBack(buffers);
    return { end: "sealed", sealed: { etag, dump: step.value, gzip: stored } };
  } catch (error) {
    // What a checkpoint still needs must stay, unless the reading is begun again.
    const isKept = stage.object.uploadId !== null && error instanceof PatinaError && !mustRestart(error, state);
    if (!isKept) await object.abandon();
    throw error;
  }
}

/**
 * Reads the object back and writes the manifest: from now on there is a backup.
 *
 * @throws {PatinaError} `stored_otherwise` when what lies in the bucket is not what was written
 */
async function finish(
  request: BackupRequest,
  { state, sealed }: { state: State; sealed: SealedObject },
): Promise<Made> {
  const { ref, bucket, clock } = request;
  const { dump: summary, gzip, etag } = sealed;
  const read = await readStored(request, sealed);
  // A SHA-256 cannot be carried into another invocation, but gzip's CRC-32 is: of an object that several wrote, it stands
  // for what they meant to write.
  const { stored, raw, body } = gzip.digests ?? read.digests;
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
    verifiedAt: timestamp(clock()),
    mode: summary.mode,
    consistency: summary.consistency,
    object: { key: dumpKey(ref), bytes: gzip.storedBytes, sha256: stored, etag },
    sql: {
      format: 1,
      bytes: gzip.rawBytes,
      sha256: raw,
      statements: gzip.statements,
      body: { ...gzip.body, sha256: body },
    },
    rows: summary.rows,
    tables: [...summary.tables],
    schema: summary.schema,
    restartPoints: gzip.restartPoints.map(([at, rawAt]) => [at, rawAt]),
    ...applied(request),
    warnings: [...summary.warnings],
    queries: summary.queries,
    rowsRead: summary.rowsRead,
    ...(request.catalog === undefined ? {} : { catalog: request.catalog }),
  };
  const difference = differenceOf(manifest, read);
  if (difference !== null) {
    throw new PatinaError(
      "stored_otherwise",
      `Cannot keep "${manifest.object.key}" as it lies in the bucket: ${difference}`,
    );
  }
  await putManifest(bucket, { key, manifest, seen: state.manifestSeen });
  return { end: "finished", backup: { key, manifest } };
}

/** What the manifest says of the rules. */
function applied({ rules, redactionKey }: BackupRequest): Pick<Manifest, "rules"> {
  if (!hasRules(rules)) return {};
  const redactions = rules.redactions.map((one) => ({
    table: one.table,
    column: one.column,
    as: one.as,
    ...(one.as === "text" ? { text: one.text } : {}),
  }));
  const usesKey = redactions.some(({ as }) => as === "digest");
  const id = usesKey && redactionKey !== null ? keyId(redactionKey) : null;
  return { rules: { redactions, excludedTables: [...rules.excludedTables], keyId: id } };
}

/** Reads the object from end to end. */
async function readStored(
  { ref, bucket }: BackupRequest,
  { etag, gzip }: SealedObject,
): Promise<ReadBack & { readonly statements: number }> {
  const key = dumpKey(ref);
  const stored = await asking(key, () => bucket.get(key, { onlyIf: { etagMatches: etag } }));
  if (stored === null || !("body" in stored)) {
    throw new PatinaError("lease_lost", `Cannot read object "${key}": somebody else has written it meanwhile`);
  }
  const counter = new StatementCounter();
  const { storedBytes, rawBytes, restartPoints, body } = gzip;
  const object = { key, storedBytes, rawBytes, restartPoints };
  const read = await readBack(piecesOf(stored.body, { key, length: stored.size }), { object, body, sql: counter });
  return { ...read, statements: counter.count };
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
