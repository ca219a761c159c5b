import { createHash } from "node:crypto";
import { PatinaError } from "@patina/core/error";
import { type Readable, readSql, type StoredBytes } from "./range-reader.ts";

/**
 * SHA-256 of a stored dump's body without the rows of its tables: definitions, counters and statistics. Only these are
 * read.
 *
 * @throws {PatinaError} `backup_damaged` when the object is not what its manifest says
 */
export async function definitionsDigest(manifest: Readable, stored: StoredBytes): Promise<string> {
  const hash = createHash("sha256");
  for (const range of rangesBetween(manifest)) {
    for await (const bytes of readSql(manifest, { stored, ...range })) hash.update(bytes);
  }
  return hash.digest("hex");
}

/** The parts of a dump's body in which no table has its rows, in order. */
function rangesBetween({ object, sql, tables }: Readable): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  let at = sql.body.start;
  for (const { name, start, end } of [...tables].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start < at || end < start) {
      const what = `table "${name}" cannot stand where its manifest says`;
      throw new PatinaError("backup_damaged", `Cannot read "${object.key}": ${what}`);
    }
    if (at < start) ranges.push({ start: at, end: start });
    at = end;
  }
  if (at > sql.body.end || sql.body.end > sql.bytes) {
    const what = "its body cannot stand where its manifest says";
    throw new PatinaError("backup_damaged", `Cannot read "${object.key}": ${what}`);
  }
  if (at < sql.body.end) ranges.push({ start: at, end: sql.body.end });
  return ranges;
}
