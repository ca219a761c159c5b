import { EXACT_INTEGRAL, QUOTIENT_PLACES } from "./literal.ts";
import { quoteName } from "./name.ts";
import type { Column, Table } from "./schema.ts";

/**
 * The SQL that turns a stored value into text inside SQLite. A D1 binding hands integers over as doubles, infinities as
 * null, the negative zero as zero and invalid UTF-8 as U+FFFD; inside SQLite all of them are still exact.
 */

/**
 * A column by its full name. A bare `"c"` that no longer exists is not an error but the text 'c': a column dropped
 * while it is read would fill the backup with its own name.
 */
export function qualified(table: Table, column: string): string {
  return `${quoteName(table.name)}.${quoteName(column)}`;
}

/**
 * The finished literal of a value, or NULL when it needs more than SQLite does exactly: a text with a NUL (quote() stops
 * there) or a REAL of more than nine places. Equal to literal() wherever it is not NULL, but for line breaks inside
 * texts, which row-line.ts takes out.
 */
export function easyCell(cell: string, column: Column & { readonly strict: boolean }): string {
  const type = column.type.toUpperCase();
  if (column.strict && /^(INT|INTEGER|BLOB)$/.test(type)) return `quote(${cell})`;
  // A column of TEXT affinity turns every number into text: what it holds is text, a blob or NULL.
  if (isTextAffinity(type) && type !== "ANY") return textCell(cell);
  return `CASE typeof(${cell}) WHEN 'integer' THEN ${cell} WHEN 'real' THEN ${realCell(cell)} WHEN 'text' THEN ${textCell(cell)} ELSE quote(${cell}) END`;
}

/** SQLite's rule 2 of column affinity; rule 1 (INT) comes before it (sqlite.org/datatype3.html section 3.1). */
function isTextAffinity(type: string): boolean {
  return !type.includes("INT") && /CHAR|CLOB|TEXT/.test(type);
}

/** Only a text that is not plain ASCII is searched for a NUL: length() stops at one, octet_length() does not. */
function textCell(cell: string): string {
  return `iif(length(${cell})<>octet_length(${cell}) AND instr(${cell},char(0)),NULL,quote(${cell}))`;
}

/** realLiteral() for integral values and quotients. */
function realCell(cell: string): string {
  const integral = `${cell}=CAST(${cell} AS INTEGER) AND abs(${cell})<${EXACT_INTEGRAL} AND (${cell}<>0.0 OR atan2(${cell},-1.0)>0)`;
  const quotients = Array.from({ length: QUOTIENT_PLACES }, (_, i) => {
    const power = `1${"0".repeat(i + 1)}.0`;
    const numerator = `CAST(${cell}*${power}+iif(${cell}<0,-0.5,0.5) AS INTEGER)`;
    const bound = EXACT_INTEGRAL / 10 ** (i + 1);
    return `WHEN abs(${cell})<${bound} AND ${numerator}/${power}=${cell} THEN '('||${numerator}||'/${power})'`;
  });
  return `CASE WHEN ${integral} THEN CAST(${cell} AS INTEGER)||'.0' ${quotients.join(" ")} END`;
}

/**
 * Any value with its type, exactly: `n`, `i` and decimal, `r` and digits that JavaScript reads as the very double, `t` or
 * `b` and hexadecimal.
 */
export function taggedCell(cell: string): string {
  const real = `iif(${cell}=0.0 AND atan2(${cell},-1.0)<0,'-0.0',quote(${cell}))`;
  return `CASE typeof(${cell}) WHEN 'null' THEN 'n' WHEN 'integer' THEN 'i'||${cell} WHEN 'real' THEN 'r'||${real} WHEN 'text' THEN 't'||hex(${cell}) ELSE 'b'||hex(${cell}) END`;
}

/** Bytes that a value takes as text or blob; 0 for the others. */
export function cellSize(cell: string): string {
  return `iif(typeof(${cell}) IN ('text','blob'),octet_length(${cell}),0)`;
}

/**
 * Operands joined by an operator as a balanced tree: D1 allows an expression depth of 100, which a chain over a hundred
 * columns exceeds.
 */
export function tree(operands: readonly string[], operator: string): string {
  if (operands.length <= 1) return operands[0] ?? "''";
  const half = operands.length >> 1;
  return `(${tree(operands.slice(0, half), operator)}${operator}${tree(operands.slice(half), operator)})`;
}
