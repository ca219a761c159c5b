import type { ColumnFingerprint } from "./fingerprint.ts";
import type { SchemaDigest } from "./schema-digest.ts";

/** What a backup's manifest says of its content. */
export interface Expected {
  readonly tables: readonly ExpectedTable[];
  /** SHA-256 of the body without the ranges of its tables. */
  readonly definitions: string;
  /** Absent in manifests of before it was written. */
  readonly schema?: SchemaDigest | undefined;
  /** Whether somebody wrote while it was read: what was counted then need not be what was read. */
  readonly isFuzzy: boolean;
  /** Rows of a table that the dump only holds as comments, because no INSERT takes them. */
  readonly uninsertable: ReadonlyMap<string, number>;
  /** Tables of which rows were left out, because the engine enforces foreign keys and does not take them. */
  readonly refused: ReadonlySet<string>;
}

/** A table as the manifest describes it. */
export interface ExpectedTable {
  readonly name: string;
  readonly rows: number;
  readonly digest: string;
  /** What SQLite counted of its columns in the source; none where nobody wrote it down. */
  readonly columns: readonly ColumnFingerprint[];
  readonly counter?: string | undefined;
  /** Offsets in the dump of its first statement of rows and behind its last. */
  readonly start: number;
  readonly end: number;
}

/** Whether all rows of a table can be there, so that they can be compared. */
export function isWhole({ name }: ExpectedTable, { uninsertable, refused }: Expected): boolean {
  return !refused.has(name) && (uninsertable.get(name) ?? 0) === 0;
}
