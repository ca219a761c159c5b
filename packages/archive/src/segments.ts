import { constants, inflateRawSync } from "node:zlib";
import { PatinaError } from "@patina/core/error";

/** A stored object as its restart points cut it. Sizes in bytes. */
export interface Segmented {
  readonly key: string;
  readonly storedBytes: number;
  /** Of its SQL. */
  readonly rawBytes: number;
  /** Offset in the object, offset in the SQL. */
  readonly restartPoints: readonly (readonly [number, number])[];
}

/** What lies between two restart points: where it is stored, and which bytes of the SQL it holds. */
export interface Segment {
  readonly stored: number;
  readonly storedEnd: number;
  readonly raw: number;
  readonly rawEnd: number;
}

/** Bytes of gzip's trailer, which follow the last segment. */
export const TRAILER_BYTES = 8;

/** A segment ends with the first statement that is over behind a MiB: nothing that Patina writes comes near this. */
const MAX_SEGMENT_BYTES = 64 * 1_048_576;

/**
 * All segments, in order. The last holds no SQL when the one before it was cut exactly at the end.
 *
 * @throws {PatinaError} `backup_damaged` when the restart points cannot be right
 */
export function* segmentsOf(object: Segmented): Generator<Segment> {
  for (const i of object.restartPoints.keys()) yield segmentAt(object, i);
}

/** Those that hold the bytes `start` to `end` of the SQL; as segmentsOf() otherwise. */
export function* segmentsBetween(
  object: Segmented,
  { start, end }: { start: number; end: number },
): Generator<Segment> {
  for (let i = lastAtOrBefore(object.restartPoints, start); start < end; i += 1) {
    const segment = segmentAt(object, i);
    if (segment.raw >= end) return;
    yield segment;
    if (segment.rawEnd >= end) return;
  }
}

function segmentAt(object: Segmented, i: number): Segment {
  const { restartPoints, storedBytes, rawBytes } = object;
  const [stored, raw] = restartPoints[i] ?? [-1, -1];
  const [storedEnd, rawEnd] = restartPoints[i + 1] ?? [storedBytes - TRAILER_BYTES, rawBytes];
  const isOrdered = stored >= 0 && storedEnd > stored && rawEnd >= raw;
  if (!isOrdered || Math.max(storedEnd - stored, rawEnd - raw) > MAX_SEGMENT_BYTES) {
    throw damaged(object, "its restart points are out of order");
  }
  return { stored, storedEnd, raw, rawEnd };
}

/** Index of the last restart point at or before an offset in the SQL; -1 when there is none. */
function lastAtOrBefore(points: Segmented["restartPoints"], offset: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle]?.[1] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * The SQL of one segment.
 *
 * @throws {PatinaError} `backup_damaged` when its bytes do not decompress, or to something of another size
 */
export function inflate(
  object: Segmented,
  { segment, bytes }: { segment: Segment; bytes: Uint8Array },
): Uint8Array<ArrayBuffer> {
  const length = segment.rawEnd - segment.raw;
  const isLast = segment.storedEnd === object.storedBytes - TRAILER_BYTES;
  let raw: Uint8Array<ArrayBuffer>;
  try {
    raw = inflateRawSync(bytes, {
      // All but the last segment end with a full flush, not with the end of the stream.
      finishFlush: isLast ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
      // A damaged segment must not grow without limit. workerd counts room it has not filled (up to as much again), and
      // with a tighter limit refuses what would fit.
      maxOutputLength: 2 * length + 65_536,
    });
  } catch (cause) {
    throw damaged(object, `the bytes from ${segment.stored} on do not decompress`, cause);
  }
  if (raw.length !== length) {
    throw damaged(object, `the bytes from ${segment.stored} on hold ${raw.length} bytes of SQL instead of ${length}`);
  }
  return raw;
}

export function damaged({ key }: Pick<Segmented, "key">, why: string, cause?: unknown): PatinaError {
  return new PatinaError("backup_damaged", `Cannot read "${key}": ${why}`, { cause });
}
