/**
 * The fingerprint of a table's columns: what SQLite itself counts of the stored values. No literal is involved, so a fault
 * in how the dump writes values, which dumping a restored database again would repeat, shows as a difference between the
 * fingerprint in the manifest and that of the restored database.
 */

/** What is counted of one column. NULLs are the rows that are left. */
export interface ColumnSums {
  readonly integers: number;
  readonly reals: number;
  /** The sum over the integers and reals that fingerprint-sql.ts states. */
  readonly numbers: number;
  readonly texts: number;
  readonly blobs: number;
  /** Bytes of the texts and blobs. */
  readonly bytes: number;
}

/** What is counted of some rows of a table; the columns are those of readColumns(), in their order. */
export interface Sums {
  readonly rows: number;
  readonly columns: readonly ColumnSums[];
}

export const NOTHING: ColumnSums = { integers: 0, reals: 0, numbers: 0, texts: 0, blobs: 0, bytes: 0 };

export function addSums(a: Sums, b: Sums): Sums {
  const columns = b.columns.length > a.columns.length ? b.columns : a.columns;
  return { rows: a.rows + b.rows, columns: columns.map((_, i) => addColumns(a.columns[i], b.columns[i])) };
}

export function addColumns(a = NOTHING, b = NOTHING): ColumnSums {
  return {
    integers: a.integers + b.integers,
    reals: a.reals + b.reals,
    numbers: a.numbers + b.numbers,
    texts: a.texts + b.texts,
    blobs: a.blobs + b.blobs,
    bytes: a.bytes + b.bytes,
  };
}

export const NO_ROWS: Sums = { rows: 0, columns: [] };

/** One column's fingerprint, as the manifest has it. Equal texts mean equal counts. */
export interface ColumnFingerprint {
  readonly name: string;
  /** Such as `3 null, 40 integer, 7 text, 2 blob, 812 bytes, sum 1234`; what is 0 is left out. */
  readonly fingerprint: string;
}

/** The fingerprints of a table's columns, which are those of readColumns(). */
export function fingerprints({ rows, columns }: Sums, named: readonly { name: string }[]): ColumnFingerprint[] {
  return named.map(({ name }, i) => ({ name, fingerprint: fingerprint(columns[i] ?? NOTHING, rows) }));
}

function fingerprint(column: ColumnSums, rows: number): string {
  const { integers, reals, numbers, texts, blobs, bytes } = column;
  const parts = [
    [rows - integers - reals - texts - blobs, " null"],
    [integers, " integer"],
    [reals, " real"],
    [texts, " text"],
    [blobs, " blob"],
    [bytes, " bytes"],
  ] as const;
  const counted = parts.filter(([count]) => count !== 0).map(([count, what]) => `${count}${what}`);
  return [...counted, ...(numbers === 0 ? [] : [`sum ${numbers}`])].join(", ");
}
