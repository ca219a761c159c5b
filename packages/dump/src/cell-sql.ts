import { affinityOf } from "./affinity.ts";
import { EXACT_INTEGRAL, QUOTIENT_PLACES } from "./literal.ts";
import type { Column } from "./schema.ts";

/**
 * The SQL that turns a stored value into text inside SQLite. A D1 binding hands integers over as doubles, infinities as
 * null, the negative zero as zero and invalid UTF-8 as U+FFFD; inside SQLite all of them are still exact.
 */

/**
 * The finished literal of a value, or NULL when it needs more than SQLite does exactly: a text with a NUL (quote() stops
 * there) or a REAL of more than nine places. Equal to literal() wherever it is not NULL, but for line breaks inside
 * texts, which row-line.ts takes out.
 */
export function easyCell(cell: string, column: Column & { readonly strict: boolean }): string {
  const type = column.type.toUpperCase();
  if (column.strict && /^(INT|INTEGER|BLOB)$/.test(type)) return `quote(${cell})`;
  // A column of TEXT affinity turns every number into text: what it holds is text, a blob or NULL.
  if (affinityOf(type) === "text") return textCell(cell);
  return `CASE typeof(${cell}) WHEN 'integer' THEN ${cell} WHEN 'real' THEN ${realCell(cell)} WHEN 'text' THEN ${textCell(cell)} ELSE quote(${cell}) END`;
}

/** Only a text that is not plain ASCII is searched for a NUL: length() stops at one, octet_length() does not. */
function textCell(cell: string): string {
  return `iif(length(${cell})<>octet_length(${cell}) AND instr(${cell},char(0)),NULL,quote(${cell}))`;
}

/** realLiteral() for zeros, integral values and quotients. */
function realCell(cell: string): string {
  const quotients = QUOTIENT_PLACES.map((places) => {
    const power = `1${"0".repeat(places)}.0`;
    const numerator = `CAST(${cell}*${power}+iif(${cell}<0,-0.5,0.5) AS INTEGER)`;
    const bound = EXACT_INTEGRAL / 10 ** places;
    return `WHEN abs(${cell})<${bound} AND ${numerator}/${power}=${cell} THEN '('||${numerator}||'/${power})'`;
  });
  return `CASE WHEN ${cell}=0.0 THEN ${zero(cell, "'0.0'")} WHEN ${cell}=CAST(${cell} AS INTEGER) AND abs(${cell})<${EXACT_INTEGRAL} THEN CAST(${cell} AS INTEGER)||'.0' ${quotients.join(" ")} END`;
}

/** A zero REAL with its sign, which only atan2() tells. */
function zero(cell: string, positive: string): string {
  return `iif(atan2(${cell},-1.0)<0,'-0.0',${positive})`;
}

/**
 * Any value with its type, exactly: `n`, `i` and decimal, `r` and what taggedReal() gives, `t` or `b` and hexadecimal.
 */
export function taggedCell(cell: string): string {
  return tagged(cell, taggedReal(cell));
}

/** The same, faster for REALs of ordinary size and longer as SQL: for columns that may hold many of them. */
export function taggedCellOf(cell: string, { type }: Column): string {
  const affinity = affinityOf(type);
  return affinity === "text" || affinity === "integer" ? taggedCell(cell) : tagged(cell, ordinaryReal(cell));
}

function tagged(cell: string, real: string): string {
  return `CASE typeof(${cell}) WHEN 'real' THEN 'r'||${real} WHEN 'integer' THEN 'i'||${cell} WHEN 'null' THEN 'n' WHEN 'text' THEN 't'||hex(${cell}) ELSE 'b'||hex(${cell}) END`;
}

/**
 * A REAL as integer and power of two, `<integer>p<exponent>`, or as the word for what has none. Not one digit is rounded:
 * log2() only chooses the power (one more than needed, since it may round up), scaling by it is exact, and the text is an
 * integer's. Decimal text is not: SQLite 3.47 writes and reads some doubles wrong. What is below 1e-150 is scaled up
 * first, because 2^1074 is no double.
 */
function taggedReal(cell: string): string {
  const power = `(53-CAST(floor(log2(abs(${cell}))) AS INTEGER))`;
  const tiny = `(${cell}*pow(2,600))`;
  const tinyPower = `(53-CAST(floor(log2(abs(${tiny}))) AS INTEGER))`;
  return `CASE WHEN ${cell}=0.0 THEN ${zero(cell, "'0.0'")} WHEN abs(${cell})>1.7976931348623157e308 THEN iif(${cell}<0,'-inf','inf') WHEN abs(${cell})<1e-150 THEN CAST(${tiny}*pow(2,${tinyPower}) AS INTEGER)||'p'||(-600-${tinyPower}) ELSE CAST(${cell}*pow(2,${power}) AS INTEGER)||'p'||-${power} END`;
}

/**
 * taggedReal() without a logarithm for what is between 2^-11 and 2^22: an integer of SQLite has 63 bits and a double 53,
 * so one power fits eleven binades.
 */
function ordinaryReal(cell: string): string {
  // Comparisons, because each abs() is a call.
  const within = (size: string) => `${cell}<${size} AND ${cell}>-${size}`;
  const scaled = (scale: string, power: number) => `CAST(${cell}*${scale} AS INTEGER)||'p-${power}'`;
  const isOrdinary = `${within("4194304.0")} AND (${cell}>=0.00048828125 OR ${cell}<=-0.00048828125)`;
  const ordinary = `CASE WHEN ${within("1.0")} THEN ${scaled("(2048.0*4503599627370496.0)", 63)} WHEN ${within("2048.0")} THEN ${scaled("4503599627370496.0", 52)} ELSE ${scaled("2199023255552.0", 41)} END`;
  return `iif(${isOrdinary},${ordinary},${taggedReal(cell)})`;
}

/** Bytes that a value takes as text or blob; 0 for the others, which lie before every text in SQLite's order. */
export function cellSize(cell: string): string {
  return `iif(${cell}>='',octet_length(${cell}),0)`;
}
