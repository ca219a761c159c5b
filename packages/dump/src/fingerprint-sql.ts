import { affinityOf } from "./affinity.ts";
import { D1_LIMITS } from "./d1-limits.ts";
import { addColumns, type ColumnSums, NOTHING, type Sums } from "./fingerprint.ts";
import { DIGEST_LENGTH } from "./keyed-digest.ts";
import { type Selection, selectGroups } from "./row-sql.ts";
import type { Column, Table } from "./schema.ts";
import { columns, number, type Query, type ResultSet, text } from "./source.ts";
import { tree } from "./tree.ts";

/**
 * The SQL that counts for a fingerprint. Part of the format: other numbers, other fingerprints.
 *
 * Numbers are summed so that one wrong number changes the sum, in whole numbers, because a sum of REALs depends on its
 * order, and modulo a prime, because a sum of 64-bit integers overflows. Of an INTEGER that is its remainder; of a REAL
 * the remainder of its integral part plus that of the first 52 bits behind its binary point.
 */
const PRIME = 65_537;

function integerHash(cell: string): string {
  return `${cell}%${PRIME}`;
}

function realHash(cell: string): string {
  const whole = `CAST(${cell} AS INTEGER)`;
  return `${whole}%${PRIME}+CAST((${cell}-${whole})*4503599627370496.0 AS INTEGER)%${PRIME}`;
}

type Cell = Selection["cells"][number];

/** Columns that one query counts: the rows are one of its aggregates, each column has six. */
const COUNTED_COLUMNS = Math.floor((D1_LIMITS.column - 1) / 6);

/**
 * Queries that count a whole table, in plain SQL: one for so many columns. Their results go to countedSums().
 */
export function fingerprintQueries(table: Table): Query[] {
  return selectGroups(table).flatMap(({ from, cells }) =>
    chunks(cells, COUNTED_COLUMNS).map((some) => ({
      sql: `SELECT ${columns(["count(*)", tree(some.flatMap(counts), "||','||")])} FROM ${from}`,
    })),
  );
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

function counts({ name, column }: Cell): string[] {
  const cell = column.redacted?.as === "digest" ? `iif(${name} IS NULL,NULL,'${"0".repeat(DIGEST_LENGTH)}')` : name;
  const count = (type: string) => `count(*) FILTER (WHERE typeof(${cell})='${type}')`;
  const sum = (sql: string) => `ifnull(sum(${sql}),0)`;
  const hash = `CASE typeof(${cell}) WHEN 'integer' THEN ${integerHash(cell)} WHEN 'real' THEN ${realHash(cell)} END`;
  const bytes = `CASE WHEN typeof(${cell}) IN ('text','blob') THEN octet_length(${cell}) END`;
  return [count("integer"), count("real"), sum(hash), count("text"), count("blob"), sum(bytes)];
}

/** Reads the results of fingerprintQueries(). */
export function countedSums(results: readonly ResultSet[]): Sums {
  const all = results.flatMap(({ rows }) => text(rows[0]?.[1]).split(",").map(Number));
  const found: ColumnSums[] = [];
  for (let at = 0; at < all.length; at += 6) {
    const [integers = 0, reals = 0, numbers = 0, texts = 0, blobs = 0, bytes = 0] = all.slice(at, at + 6);
    found.push({ integers, reals, numbers, texts, blobs, bytes });
  }
  return { rows: number(results[0]?.rows[0]?.[0]), columns: found };
}

/**
 * What a query for rows adds to count them, so that no row is read twice: numbers beside each row. Several counts share an
 * integer, since each number costs a call for each row; a column counts what its declared type makes likely, and the rest
 * goes into a list.
 */
export interface RowSums {
  /** Columns of a row, each with its name. */
  readonly ofRow: readonly string[];
  /** The aggregate over these columns: one text, for at most MAX_COUNTED_ROWS rows. */
  readonly aggregate: string;
  /** The same of one row, for a query that gives each row by itself. */
  readonly text: string;
  /** Reads an aggregate, or the texts of any number of rows. */
  readonly read: (texts: readonly string[]) => ColumnSums[];
}

/** Rows up to which a shared integer does not overflow. */
export const MAX_COUNTED_ROWS = 29_999;

/** Numbers: the sum in 33 bits with sign, of which each row adds less than 2^17; integers in 15 bits, reals in 15. */
const INTEGER = 2n ** 33n;
const REAL = 2n ** 48n;
const COUNT_BITS = 15;
/** Texts and blobs: bytes, of which a database has at most 10 GB, then the texts, then the blobs. */
const TEXT = 10_000_000_000n;
const BLOB = TEXT * BigInt(MAX_COUNTED_ROWS + 1);

/** The least columns beside each row that so many cells take. */
export function leastRoom(cells: number): number {
  return cells + 1;
}

/** Counts the cells of a selection with at most `room` columns beside each row, which is leastRoom() or more. */
export function rowSums(
  table: Table,
  { cells, room = Number.POSITIVE_INFINITY }: { cells: Selection["cells"]; room?: number },
): RowSums {
  if (room < leastRoom(cells.length)) throw new RangeError(`Cannot count the columns of table "${table.name}"`);
  let spare = room - leastRoom(cells.length);
  const sums: { readonly sql: string; readonly place: number; readonly isNumber: boolean }[] = [];
  const doubtful: { readonly name: string; readonly place: number }[] = [];
  for (const [place, { name, column }] of cells.entries()) {
    const kind = kindOf(table, column);
    if (kind === "text" || kind === "digest") {
      sums.push({ sql: kind === "text" ? textSum(name) : digestSum(name), place, isNumber: false });
      continue;
    }
    sums.push({ sql: numberSum(name, kind), place, isNumber: true });
    if (kind === "any" && spare > 0) {
      spare -= 1;
      sums.push({ sql: `iif(${name}>='',${textSum(name)},0)`, place, isNumber: false });
    } else if (kind !== "integer" && kind !== "real") {
      doubtful.push({ name, place });
    }
  }
  const ofRow = sums.map(({ sql }, i) => `${sql} AS s${i}`);
  const totals = sums.map((_, i) => `ifnull(sum(s${i}),0)`);
  const own = sums.map(({ sql }) => `ifnull(${sql},0)`);
  if (doubtful.length > 0) {
    ofRow.push(`${listed(doubtful)} AS o`);
    totals.push("ifnull(group_concat(o,''),'')");
    own.push(`ifnull(${listed(doubtful)},'')`);
  }
  return {
    ofRow,
    aggregate: `''||${tree(totals, "||','||")}`,
    text: `''||${tree(own, "||','||")}`,
    read(texts) {
      const found = cells.map(() => NOTHING);
      const add = (place: number, more: ColumnSums) => {
        found[place] = addColumns(found[place], more);
      };
      for (let at = 0; at < texts.length; at += MAX_COUNTED_ROWS) {
        const totals = totalsOf(texts.slice(at, at + MAX_COUNTED_ROWS), sums.length);
        for (const [i, { place, isNumber }] of sums.entries()) {
          add(place, isNumber ? splitNumbers(totals[i] ?? 0n) : splitTexts(totals[i] ?? 0n));
        }
      }
      if (doubtful.length === 0) return found;
      for (const text of texts) {
        for (const [place, more] of entriesOf(text.slice(text.lastIndexOf(",") + 1))) add(place, more);
      }
      return found;
    },
  };
}

/**
 * What a column holds: nothing but integers or reals, numbers in all likelihood, texts and blobs, what a keyed digest will
 * be made of, or anything.
 */
type Kind = "integer" | "real" | "integers" | "reals" | "text" | "digest" | "any";

function kindOf(table: Table, { name, type, redacted }: Column): Kind {
  if (redacted !== undefined) return redacted.as === "digest" ? "digest" : "text";
  const upper = type.toUpperCase();
  if (table.key.by === "rowid" && table.key.name === name) return "integer";
  // A virtual table's module need not keep to the types that it declares.
  if (table.sql === "") return "any";
  if (table.strict) {
    if (upper === "ANY") return "any";
    return upper === "REAL" ? "real" : upper.startsWith("INT") ? "integer" : "text";
  }
  return KINDS[affinityOf(type)];
}

const KINDS = { integer: "integers", real: "reals", text: "text", none: "any", numeric: "any" } as const;

function numberSum(cell: string, kind: Exclude<Kind, "text" | "digest">): string {
  const integer = `${integerHash(cell)}+${INTEGER}`;
  const real = `${realHash(cell)}+${REAL}`;
  switch (kind) {
    case "integer":
      return integer;
    case "real":
      return real;
    case "reals":
      return `CASE typeof(${cell}) WHEN 'real' THEN ${real} WHEN 'integer' THEN ${integer} END`;
    default:
      return `CASE typeof(${cell}) WHEN 'integer' THEN ${integer} WHEN 'real' THEN ${real} END`;
  }
}

/** Texts lie before blobs in SQLite's order, whatever the collation: that is cheaper than typeof(). */
function textSum(cell: string): string {
  return `octet_length(${cell})+iif(${cell}>=X'',${BLOB},${TEXT})`;
}

/** What will be written has one length, whatever the value is. */
function digestSum(cell: string): string {
  return `iif(${cell} IS NULL,0,${BigInt(DIGEST_LENGTH) + TEXT})`;
}

/** Texts and blobs among columns of numbers, such as `3t12 `: numbers lie before every text. */
function listed(cells: readonly { name: string; place: number }[]): string {
  const isListed = tree(
    cells.map(({ name }) => `${name}>=''`),
    " OR ",
  );
  const entries = cells.map(
    ({ name, place }) => `iif(${name}>='',iif(${name}>=X'','${place}b','${place}t')||octet_length(${name})||' ','')`,
  );
  return `CASE WHEN ${isListed} THEN ${tree(entries, "||")} END`;
}

/** Row by row: the numbers of all rows at once would take many times what their texts take. */
function totalsOf(texts: readonly string[], numbers: number): bigint[] {
  const totals = Array.from({ length: numbers }, () => 0n);
  for (const text of texts) {
    const parts = text.split(",");
    for (const [i, total] of totals.entries()) totals[i] = total + BigInt(parts[i] ?? "0");
  }
  return totals;
}

function entriesOf(list: string): [place: number, sums: ColumnSums][] {
  return [...list.matchAll(/(\d+)([tb])(\d+)/g)].map(([, place, type, bytes]) => {
    const isText = type === "t";
    return [Number(place), { ...NOTHING, texts: isText ? 1 : 0, blobs: isText ? 0 : 1, bytes: Number(bytes) }];
  });
}

function splitNumbers(sum: bigint): ColumnSums {
  const numbers = BigInt.asIntN(33, sum);
  const counted = (sum - numbers) / INTEGER;
  const integers = BigInt.asUintN(COUNT_BITS, counted);
  const reals = counted >> BigInt(COUNT_BITS);
  return { ...NOTHING, integers: Number(integers), reals: Number(reals), numbers: Number(numbers) };
}

function splitTexts(sum: bigint): ColumnSums {
  return { ...NOTHING, bytes: Number(sum % TEXT), texts: Number((sum % BLOB) / TEXT), blobs: Number(sum / BLOB) };
}
