import type { GzipState, GzipSummary } from "@patina/archive/gzip-writer";
import { PatinaError } from "@patina/core/error";
import { CONSISTENCIES } from "@patina/core/job";
import type { DumpState, DumpSummary } from "@patina/dump/dump";
import type { ObjectState } from "@patina/worker/stored-object";
import * as v from "valibot";

/**
 * Where an export stopped, for the invocation that goes on. It lies in the bucket, because the bytes that are neither in
 * a digest nor in a part yet make it too large for the catalog: a line of JSON in which `{"$bytes": n}` stands for bytes,
 * and behind it these bytes, one after the other.
 */

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Bytes = v.instance(Uint8Array);
const Digest = v.string();

const Table = v.object({
  name: v.string(),
  rows: Count,
  digest: Digest,
  columns: v.array(v.object({ name: v.string(), fingerprint: v.string() })),
  start: Count,
  end: Count,
  counter: v.optional(v.string()),
});
/** The sum over a column's numbers may be negative. */
const ColumnSums = v.object({
  integers: Count,
  reals: Count,
  numbers: v.pipe(v.number(), v.integer()),
  texts: Count,
  blobs: Count,
  bytes: Count,
});
const Body = v.object({ start: Count, end: Count });
const RestartPoints = v.array(v.tuple([Count, Count]));

const DumpStateSchema = v.object({
  reading: v.object({
    schema: Digest,
    fence: v.object({
      counters: v.nullable(v.object({ changes: Count, lastRowid: v.string() })),
      bookmark: v.nullable(v.string()),
      hasMoved: v.boolean(),
      queries: Count,
      rowsRead: Count,
    }),
  }),
  step: Count,
  rows: v.nullable(
    v.object({
      start: Count,
      cursor: v.nullable(v.array(v.string())),
      inserts: v.object({
        rows: Count,
        bytes: Count,
        unchecked: Count,
        uninsertable: Count,
        statements: Count,
        digest: v.object({ rows: Count, link: Digest, blockRows: Count, block: Bytes }),
      }),
      sums: v.object({ rows: Count, columns: v.array(ColumnSums) }),
    }),
  ),
  tables: v.array(Table),
  warnings: v.array(v.string()),
  isStaged: v.boolean(),
});

const GzipStateSchema = v.object({
  position: Count,
  storedBytes: Count,
  crc: Count,
  body: Body,
  restartPoints: RestartPoints,
  statements: Count,
  segment: Bytes,
});

const ObjectStateSchema = v.object({
  seen: v.nullable(v.string()),
  uploadId: v.nullable(v.string()),
  parts: v.array(v.object({ partNumber: Count, etag: v.string() })),
  rest: Bytes,
});

/** What is known of a dump once its object is complete. */
const SealedSchema = v.object({
  etag: v.string(),
  dump: v.object({
    mode: v.picklist(["snapshot", "paged"]),
    consistency: v.picklist(CONSISTENCIES),
    tables: v.array(Table),
    rows: Count,
    schema: v.object({
      sha256: Digest,
      definitions: v.array(v.object({ type: v.string(), name: v.string(), table: v.string(), sha256: Digest })),
    }),
    warnings: v.array(v.string()),
    queries: Count,
    rowsRead: Count,
  }),
  gzip: v.object({
    rawBytes: Count,
    storedBytes: Count,
    body: Body,
    restartPoints: RestartPoints,
    statements: Count,
    digests: v.nullable(v.object({ stored: Digest, raw: Digest, body: Digest })),
  }),
});

const CheckpointSchema = v.object({
  patina: v.literal("checkpoint"),
  version: v.literal(1),
  job: v.string(),
  database: v.string(),
  generation: Count,
  attempt: Count,
  startedAt: Count,
  manifestSeen: v.nullable(v.string()),
  stage: v.variant("kind", [
    v.object({ kind: v.literal("writing"), dump: DumpStateSchema, gzip: GzipStateSchema, object: ObjectStateSchema }),
    v.object({ kind: v.literal("sealed"), sealed: SealedSchema }),
  ]),
});

export interface Checkpoint {
  readonly patina: "checkpoint";
  readonly version: 1;
  readonly job: string;
  readonly database: string;
  readonly generation: number;
  /** Readings of the database that were begun: one that somebody wrote into meanwhile is begun again. */
  readonly attempt: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Etag of the manifest that this backup will replace. */
  readonly manifestSeen: string | null;
  readonly stage: WritingStage | SealedStage;
}

/** The dump is not complete. */
export interface WritingStage {
  readonly kind: "writing";
  readonly dump: DumpState;
  readonly gzip: GzipState;
  readonly object: ObjectState;
}

/** The object is complete and has to be read back. */
export interface SealedStage {
  readonly kind: "sealed";
  readonly sealed: SealedObject;
}

export interface SealedObject {
  readonly etag: string;
  readonly dump: DumpSummary;
  readonly gzip: GzipSummary;
}

export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const parts: Uint8Array[] = [];
  const json = JSON.stringify(checkpoint, (_, value: unknown) => {
    if (!(value instanceof Uint8Array)) return value;
    parts.push(value);
    return { $bytes: value.length };
  });
  return Buffer.concat([Buffer.from(`${json}\n`), ...parts]);
}

/**
 * Reads a stored checkpoint. Its bytes are views of what was given.
 *
 * @throws {PatinaError} `checkpoint_invalid` when it is none, or of another version of this Worker
 */
export function decodeCheckpoint(stored: Uint8Array): Checkpoint {
  let at = stored.indexOf(0x0a) + 1;
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(stored.subarray(0, at)).toString(), (_, value: unknown) => {
      const length = lengthOf(value);
      if (length === null) return value;
      at += length;
      return stored.subarray(at - length, at);
    });
  } catch (cause) {
    throw new PatinaError("checkpoint_invalid", "Cannot read checkpoint: it is no JSON", { cause });
  }
  const read = v.safeParse(CheckpointSchema, json);
  if (read.success && at === stored.length) return read.output;
  throw new PatinaError("checkpoint_invalid", "Cannot read checkpoint: another version of the exporter wrote it");
}

function lengthOf(value: unknown): number | null {
  if (typeof value !== "object" || value === null || !("$bytes" in value)) return null;
  return typeof value.$bytes === "number" ? value.$bytes : null;
}
