import { constants, inflateRawSync } from "node:zlib";
import { PatinaError } from "@patina/core/error";
import type { Manifest } from "./manifest.ts";

/** The bytes of one stored object, wherever it lies: in the bucket, in a file, inside a weekly archive. */
export interface StoredBytes {
  /** `length` bytes from `offset` on; fewer only where the object ends before. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** What of a manifest tells how to read the object. */
export type Readable = Pick<Manifest, "object" | "sql" | "tables" | "restartPoints">;

/** Stored bytes asked for at once, about: some five segments of SQL. Memory holds these and one segment. */
const READ_BYTES = 1_048_576;

/** Bytes of gzip's trailer, which follow the last segment. */
const TRAILER_BYTES = 8;

/**
 * The bytes `start` to `end` (exclusive) of the SQL inside a stored object, in pieces of about a MiB. Only what lies
 * between the restart points around them is read and decompressed.
 *
 * @throws {PatinaError} `invalid_request` when the SQL has no such bytes
 * @throws {PatinaError} `backup_damaged` when the object is not what its manifest says
 */
export async function* readSql(
  manifest: Readable,
  { stored, start, end }: { stored: StoredBytes; start: number; end: number },
): AsyncGenerator<Uint8Array> {
  const { object, sql } = manifest;
  if (!(0 <= start && start <= end && end <= sql.bytes)) {
    throw new PatinaError(
      "invalid_request",
      `Cannot read bytes ${start} to ${end} of "${object.key}": its SQL has ${sql.bytes}`,
    );
  }
  for (const group of grouped(segmentsBetween(manifest, { start, end }))) {
    const offset = group[0]?.stored ?? 0;
    const length = (group.at(-1)?.storedEnd ?? 0) - offset;
    const bytes = await stored.read(offset, length);
    if (bytes.length !== length) throw damaged(manifest, "it is cut off");
    for (const segment of group) {
      const raw = inflate(manifest, {
        segment,
        bytes: bytes.subarray(segment.stored - offset, segment.storedEnd - offset),
      });
      yield raw.subarray(Math.max(0, start - segment.raw), Math.min(end, segment.rawEnd) - segment.raw);
    }
  }
}

/**
 * The statements that fill one table, as bytes of SQL; they need nothing but the table itself.
 *
 * @throws {PatinaError} `not_found` when the backup has no such table, else as readSql()
 */
export function readTable(
  manifest: Readable,
  { stored, table }: { stored: StoredBytes; table: string },
): AsyncGenerator<Uint8Array> {
  const found = manifest.tables.find(({ name }) => name === table);
  if (found === undefined) {
    throw new PatinaError(
      "not_found",
      `Cannot read table ${JSON.stringify(table)}: "${manifest.object.key}" has none of that name`,
    );
  }
  return readSql(manifest, { stored, start: found.start, end: found.end });
}

/** What lies between two restart points: where it is stored, and which bytes of the SQL it holds. */
interface Segment {
  readonly stored: number;
  readonly storedEnd: number;
  readonly raw: number;
  readonly rawEnd: number;
}

/** The segments that hold the bytes `start` to `end`, in order. */
function* segmentsBetween(manifest: Readable, { start, end }: { start: number; end: number }): Generator<Segment> {
  const { restartPoints, object, sql } = manifest;
  for (let i = lastAtOrBefore(restartPoints, start); start < end; i += 1) {
    const [stored, raw] = restartPoints[i] ?? [-1, end];
    const [storedEnd, rawEnd] = restartPoints[i + 1] ?? [object.bytes - TRAILER_BYTES, sql.bytes];
    if (raw >= end && stored >= 0) return;
    if (stored < 0 || storedEnd <= stored || rawEnd < raw)
      throw damaged(manifest, "its restart points are out of order");
    yield { stored, storedEnd, raw, rawEnd };
    if (rawEnd >= end) return;
  }
}

/** Index of the last restart point at or before an offset in the SQL; -1 when there is none. */
function lastAtOrBefore(points: Readable["restartPoints"], offset: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle]?.[1] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Neighbouring segments that are read at once. */
function* grouped(segments: Iterable<Segment>): Generator<Segment[]> {
  let group: Segment[] = [];
  for (const segment of segments) {
    group.push(segment);
    if (segment.storedEnd - (group[0]?.stored ?? 0) < READ_BYTES) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

function inflate(manifest: Readable, { segment, bytes }: { segment: Segment; bytes: Uint8Array }): Uint8Array {
  const length = segment.rawEnd - segment.raw;
  let raw: Uint8Array;
  try {
    raw = inflateRawSync(bytes, {
      // All but the last segment end with a full flush, not with the end of the stream.
      finishFlush: constants.Z_SYNC_FLUSH,
      // A damaged segment must not grow without limit. workerd counts room it has not filled (up to as much again), and
      // with a tighter limit refuses what would fit.
      maxOutputLength: 2 * length + 65_536,
    });
  } catch (cause) {
    throw damaged(manifest, `the bytes from ${segment.stored} on do not decompress`, cause);
  }
  if (raw.length !== length) {
    throw damaged(manifest, `the bytes from ${segment.stored} on hold ${raw.length} bytes of SQL instead of ${length}`);
  }
  return raw;
}

function damaged({ object }: Readable, why: string, cause?: unknown): PatinaError {
  return new PatinaError("backup_damaged", `Cannot read "${object.key}": ${why}`, { cause });
}
