import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { compareRows, quoteName, readRows, refusal, type Source } from "./rows.ts";
import type { Table } from "./schema.ts";
import { rowidName } from "./table-rows.ts";
import { contentOf } from "./virtual.ts";

/** A table in the temp schema of the connection, dropped again at once. Two names: both may be one connection. */
const VOCABULARIES = ["patina_compare_left", "patina_compare_right"] as const;
type Vocabulary = (typeof VOCABULARIES)[number];

/** How many words of each index are searched for. */
const SEARCHES = 60;

export interface FtsDifference {
  readonly message: string;
  /** True for what only the index holds: SQL cannot carry that of a contentless or a stale table. */
  readonly ofIndex: boolean;
}

/**
 * The differences between two FTS5 tables of one name: settings; which words stand where, as fts5vocab tells it; and
 * what MATCH finds for a sample of those words, with its rank. Text that an FTS5 table holds itself is compared like
 * any table's rows, not here.
 */
export function* compareFts(left: DatabaseSync, right: DatabaseSync, table: Table): Generator<FtsDifference> {
  for (const message of compareSettings(left, right, table.name)) yield { message, ofIndex: false };
  const content = table.virtual === null ? "own" : contentOf(table.virtual);
  if (content === "none") {
    for (const message of compareStored(left, right, table)) yield { message, ofIndex: true };
  }
  for (const message of compareWords(left, right, table.name)) yield { message, ofIndex: true };
  for (const message of compareSearches(left, right, table)) yield { message, ofIndex: true };
}

/** Says what the index is called in a report. */
export function ftsSubject(table: Table): string {
  const content = table.virtual === null ? "own" : contentOf(table.virtual);
  const kind = { own: "FTS5", external: "external-content FTS5", none: "contentless FTS5" }[content];
  return `${kind} ${quoteName(table.name)}`;
}

/** The rank function, merge settings and so on. Not `version`: that is the file format, raised by secure-delete. */
function* compareSettings(left: DatabaseSync, right: DatabaseSync, name: string): Generator<string> {
  const config = `main.${quoteName(`${name}_config`)}`;
  const source: Source = {
    from: `(SELECT k, v FROM ${config} WHERE k <> 'version') AS src`,
    columns: ["setting", "value"],
    expressions: ["src.k", "src.v"],
    key: [0],
    order: "src.k",
  };
  yield* compareRows(readRows(left, source), readRows(right, source), source);
}

/** Rowids and UNINDEXED columns, all that a contentless table gives back. */
function* compareStored(left: DatabaseSync, right: DatabaseSync, table: Table): Generator<string> {
  if (typeof table.columns === "string") return;
  const columns = table.columns.filter((column) => column.hidden === 0).map((column) => column.name);
  const rowid = `src.${rowidName(table) ?? "rowid"}`;
  const source: Source = {
    from: `main.${quoteName(table.name)} AS src`,
    columns: ["rowid", ...columns],
    expressions: [rowid, ...columns.map((column) => `src.${quoteName(column)}`)],
    key: [0],
    order: rowid,
  };
  // Without columnsize a contentless table cannot even list its rowids.
  const before = refusal(left, source);
  const after = refusal(right, source);
  if (before !== null || after !== null) {
    if (before !== after) yield `reading its rows: ${before ?? "works"}, now ${after ?? "works"}`;
    return;
  }
  yield* compareRows(readRows(left, source), readRows(right, source), source);
}

/** Every word with its row, column and place: the whole index, but for how it is laid out. */
function* compareWords(left: DatabaseSync, right: DatabaseSync, name: string): Generator<string> {
  const [before, after] = VOCABULARIES.map(
    (vocabulary): Source => ({
      from: `temp.${vocabulary} AS src`,
      columns: ["word", "rowid", "column", "place"],
      expressions: ["src.term", "src.doc", "src.col", 'src."offset"'],
      key: [],
    }),
  ) as [Source, Source];
  const close: (() => void)[] = [];
  try {
    close.push(openVocabulary(left, VOCABULARIES[0], { of: name, kind: "instance" }));
    close.push(openVocabulary(right, VOCABULARIES[1], { of: name, kind: "instance" }));
    yield* compareRows(readRows(left, before), readRows(right, after), before);
  } finally {
    for (const drop of close) drop();
  }
}

function openVocabulary(
  database: DatabaseSync,
  vocabulary: Vocabulary,
  options: { of: string; kind: "instance" | "row" },
): () => void {
  const of = `'${options.of.replaceAll("'", "''")}'`;
  database.exec(`CREATE VIRTUAL TABLE temp.${vocabulary} USING fts5vocab('main', ${of}, '${options.kind}')`);
  return () => database.exec(`DROP TABLE temp.${vocabulary}`);
}

/** Rows found and their rank, for whole words and for their beginnings. */
function* compareSearches(left: DatabaseSync, right: DatabaseSync, table: Table): Generator<string> {
  const words = new Set([...sampleWords(left, table.name), ...sampleWords(right, table.name)]);
  for (const word of words) {
    for (const [pattern, label] of [
      [`'"' || replace(CAST(X'${word}' AS TEXT), '"', '""') || '"'`, "MATCH"],
      [
        `'"' || replace(substr(CAST(X'${word}' AS TEXT), 1, 2), '"', '""') || '" *'`,
        "MATCH on the first two letters of",
      ],
    ]) {
      const before = search(left, table, pattern as string);
      const after = search(right, table, pattern as string);
      if (before === after) continue;
      yield `${label} ${JSON.stringify(Buffer.from(word, "hex").toString())} found ${before}, now ${after}`;
    }
  }
}

/** Words of an index in hex, spread evenly over it. */
function sampleWords(database: DatabaseSync, name: string): string[] {
  const close = openVocabulary(database, VOCABULARIES[0], { of: name, kind: "row" });
  try {
    const rows = database.prepare(`SELECT hex(term) AS term FROM temp.${VOCABULARIES[0]}`).all();
    const step = Math.max(1, Math.floor(rows.length / SEARCHES));
    return rows.filter((_, i) => i % step === 0).map((row) => String(row["term"]));
  } finally {
    close();
  }
}

function search(database: DatabaseSync, { name, columns }: Table, pattern: string): string {
  const table = quoteName(name);
  const rowid = rowidName({ columns }) ?? "rowid";
  try {
    const statement = database.prepare(
      `SELECT ${rowid} AS id, rank AS score FROM main.${table} WHERE ${table} MATCH ${pattern} ORDER BY ${rowid}`,
    );
    statement.setReadBigInts(true);
    return shorten(statement.all().map((row) => `row ${row["id"]} (rank ${rank(row["score"])})`));
  } catch (error) {
    // A table whose content is gone may refuse; it has to refuse in both databases.
    return error instanceof Error ? error.message : String(error);
  }
}

function rank(score: SQLOutputValue | undefined): string {
  return score instanceof Uint8Array ? "a BLOB" : String(score);
}

function shorten(rows: readonly string[]): string {
  if (rows.length === 0) return "nothing";
  const all = rows.join(", ");
  // The report stays readable and still differs when only the tail does.
  return rows.length <= 5 ? all : `${rows.length} rows, ${rows.slice(0, 5).join(", ")} ... ${checksum(all)}`;
}

function checksum(text: string): string {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) | 0;
  return `(checksum ${(sum >>> 0).toString(16)})`;
}
