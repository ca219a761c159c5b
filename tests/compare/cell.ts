import type { SQLOutputValue } from "node:sqlite";

/**
 * One row as read by rows.ts. `types` has a letter per cell: null, integer, real, text, blob by their first one. TEXT
 * comes as the bytes that are stored, because JavaScript strings cannot hold invalid UTF-8.
 */
export interface Row {
  readonly types: string;
  readonly cells: readonly SQLOutputValue[];
}

/** Equal in type and in every bit: 1 is not 1.0, -0.0 is not 0.0, text is not a BLOB of the same bytes. */
export function sameRow(left: Row, right: Row): boolean {
  if (left.types !== right.types || left.cells.length !== right.cells.length) return false;
  return left.cells.every((cell, i) => sameCell(cell, right.cells[i] as SQLOutputValue));
}

function sameCell(left: SQLOutputValue, right: SQLOutputValue): boolean {
  if (left instanceof Uint8Array) return right instanceof Uint8Array && Buffer.compare(left, right) === 0;
  // node:sqlite hands a REAL out as the double it is, the sign of -0.0 included; only Object.is sees that sign.
  return Object.is(left, right);
}

/** Says whether two rows of the same width hold the same in one column. */
export function sameAt(left: Row, right: Row, column: number): boolean {
  if (left.types[column] !== right.types[column]) return false;
  return sameCell(left.cells[column] as SQLOutputValue, right.cells[column] as SQLOutputValue);
}

/** A string that is equal for equal cells and different for different ones. */
export function fingerprint(row: Row, columns: readonly number[]): string {
  return columns
    .map((column) => {
      const cell = row.cells[column] as SQLOutputValue;
      const content =
        cell instanceof Uint8Array ? Buffer.from(cell).toString("latin1") : Object.is(cell, -0) ? "-0" : String(cell);
      return `${row.types[column]}${content.length}:${content}`;
    })
    .join("");
}

const TYPES: Readonly<Record<string, string>> = { n: "NULL", i: "integer", r: "real", t: "text", b: "blob" };

/** Bytes of a long value that a difference shows. */
const SHOWN = 40;

/** A cell in words, short enough for a line. */
export function describe(row: Row, column: number): string {
  const type = row.types[column] ?? "?";
  const cell = row.cells[column] as SQLOutputValue;
  if (cell instanceof Uint8Array) return `${TYPES[type]} ${describeBytes(cell, type === "t")}`;
  if (cell === null) return "NULL";
  return `${TYPES[type]} ${Object.is(cell, -0) ? "-0.0" : String(cell)}`;
}

function describeBytes(bytes: Uint8Array, isText: boolean): string {
  const start = Buffer.from(bytes.subarray(0, SHOWN));
  const string = start.toString("utf8");
  const shown = isText && !string.includes("\ufffd") ? JSON.stringify(string) : `X'${start.toString("hex")}'`;
  return bytes.length > SHOWN ? `${shown}... (${bytes.length} bytes)` : shown;
}

/** What became of a cell, in words, or the place of the first different byte when the beginnings look alike. */
export function describeChange(left: Row, right: Row, column: number): string {
  const before = left.cells[column];
  const after = right.cells[column];
  const words = `${describe(left, column)} became ${describe(right, column)}`;
  if (!(before instanceof Uint8Array && after instanceof Uint8Array)) return words;
  let at = 0;
  while (at < before.length && at < after.length && before[at] === after[at]) at++;
  return at < SHOWN && before.length <= SHOWN ? words : `${words}, first difference at byte ${at}`;
}
