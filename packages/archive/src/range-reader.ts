import { PatinaError } from "@patina/core/error";
import type { Manifest } from "./manifest.ts";
import { damaged, inflate, type Segment, type Segmented, segmentsBetween } from "./segments.ts";

/** The bytes of one stored object, wherever it lies: in the bucket, in a file, inside a weekly archive. */
export interface StoredBytes {
  /** `length` bytes from `offset` on; fewer only where the object ends before. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** What of a manifest tells how to read the object. */
export type Readable = Pick<Manifest, "object" | "sql" | "tables" | "restartPoints">;

/** How the restart points of a manifest cut its object. */
export function segmented({ object, sql, restartPoints }: Omit<Readable, "tables">): Segmented {
  return { key: object.key, storedBytes: object.bytes, rawBytes: sql.bytes, restartPoints };
}

/** Stored bytes asked for at once, about: some five segments of SQL. Memory holds these and one segment. */
const READ_BYTES = 1_048_576;

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
  const { sql } = manifest;
  const object = segmented(manifest);
  if (!(0 <= start && start <= end && end <= sql.bytes)) {
    throw new PatinaError(
      "invalid_request",
      `Cannot read bytes ${start} to ${end} of "${object.key}": its SQL has ${sql.bytes}`,
    );
  }
  for (const group of grouped(segmentsBetween(object, { start, end }))) {
    const offset = group[0]?.stored ?? 0;
    const length = (group.at(-1)?.storedEnd ?? 0) - offset;
    const bytes = await stored.read(offset, length);
    if (bytes.length !== length) throw damaged(object, "it is cut off");
    for (const segment of group) {
      const raw = inflate(object, {
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
