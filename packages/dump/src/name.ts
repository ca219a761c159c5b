/** Any name as SQL: always quoted, so that a keyword or a quote inside it is just a name. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A name as SQLite tells it from others: ASCII letters are alike in both cases, and no other letter is. */
export function folded(name: string): string {
  return name.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Whether two names are one to SQLite. */
export function same(a: string, b: string): boolean {
  return folded(a) === folded(b);
}

/** A text as an SQL literal; for names in queries, not for data (see literal.ts). */
export function quoteText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/**
 * Tables that belong to the engine: SQLite's `sqlite_...` and D1's `_cf_...`. Never tested with LIKE, whose `_` is a
 * wildcard: `NOT LIKE '_cf_%'` loses a user's `acf_fields`.
 */
export function isInternalName(name: string): boolean {
  const lower = folded(name);
  return lower.startsWith("sqlite_") || lower.startsWith("_cf_");
}

/** The same test as SQL on a column. */
export function internalNameSql(column: string): string {
  return `(substr(lower(${column}),1,7)='sqlite_' OR substr(lower(${column}),1,4)='_cf_')`;
}

/**
 * Names of tables that the sqlite3 shell has without being told: a user's table of such a name is found only once it
 * exists, and until then DROP TABLE IF EXISTS fails on the shell's own.
 */
const EPONYMOUS = new Set(
  "bytecode completion dbdata dbptr dbstat fsdir generate_series json_each json_tree jsonb_each jsonb_tree sqlar stmt tables_used zipfile".split(
    " ",
  ),
);

export function isEponymous(name: string): boolean {
  const lower = folded(name);
  return EPONYMOUS.has(lower) || lower.startsWith("pragma_");
}
