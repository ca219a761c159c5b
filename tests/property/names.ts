import fc from "fast-check";

/** Names that have to be quoted, that resemble names of the engine's or of the dumper's own, or that hide a rowid. */
const ODD = [
  "rowid",
  "oid",
  "_rowid_",
  "ROWID",
  "order",
  "group",
  "NULL",
  "c0",
  "v0",
  "v1",
  "k0",
  "k",
  "r",
  "n",
  "g",
  "rank",
  "0",
  "10",
  "a b",
  'a"b',
  "a'b",
  "a`b",
  "a]b",
  "[x",
  "a.b",
  "a,b)",
  "(",
  ";",
  "--x",
  "/*x",
  "x*/",
  "a\nb",
  "a\tb",
  "?",
  "?1",
  ":x",
  "%s",
  "über",
  "数据",
  "😀",
  "e\u0301",
  "\ufeffbom",
  "\u007f",
  "sqliteish",
  "_cfx",
  "acf_fields",
  "d1_migrations",
  "patina_stage",
  "patina_sequence",
  "pragma_table_info",
  "json_each",
  "x_data",
  "x_content",
  "main",
  "temp",
  "",
  "x".repeat(120),
];

const name: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(..."abcdefghij") },
  { weight: 3, arbitrary: fc.constantFrom(...ODD) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 12 }).filter(isPossible) },
);

/** No NUL, which ends a statement; no CR LF, which the dump warns of and the sqlite3 shell changes. */
function isPossible(text: string): boolean {
  return !/\0|\r\n/.test(text) && !/^(sqlite_|_cf_)/i.test(text);
}

/** Names of which no two are equal to SQLite. */
export function distinctNames(count: { minLength: number; maxLength: number }): fc.Arbitrary<string[]> {
  return fc.uniqueArray(name, { ...count, selector: (text) => text.toLowerCase() });
}

/** An identifier in double quotes. Shares nothing with the dumper. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
