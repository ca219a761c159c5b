import type { Case } from "./case.ts";
import { name, text } from "./quote.ts";

/** One table for each name, with one row that repeats the name. */
function tablesNamed(names: readonly string[]): string[] {
  return names.flatMap((table) => [
    `CREATE TABLE ${name(table)}(${name("v")} TEXT)`,
    `INSERT INTO ${name(table)} VALUES(${text(table)})`,
  ]);
}

/** One table with these columns, in which each cell repeats its column's name; the last row is NULL throughout. */
function columnsNamed(table: string, columns: readonly string[]): string[] {
  return [
    `CREATE TABLE ${name(table)}(${columns.map((column) => name(column)).join(", ")})`,
    `INSERT INTO ${name(table)} VALUES(${columns.map((column) => text(column)).join(", ")})`,
    `INSERT INTO ${name(table)} VALUES(${columns.map((_, i) => String(i)).join(", ")})`,
    `INSERT INTO ${name(table)} DEFAULT VALUES`,
  ];
}

const LONG_COLUMNS = Array.from({ length: 100 }, (_, i) => `${"column_".repeat(42)}${i}`);

const HUGE_COLUMNS = Array.from({ length: 100 }, (_, i) => `${"column_".repeat(110)}${i}`);

const LONG_TABLE = "t".repeat(3_000);

const KEYWORDS = [
  ...[
    "select",
    "table",
    "index",
    "order",
    "group",
    "from",
    "where",
    "values",
    "default",
    "primary",
    "key",
    "begin",
    "end",
  ],
  ...[
    "transaction",
    "commit",
    "trigger",
    "view",
    "null",
    "true",
    "false",
    "current_timestamp",
    "rowid",
    "rank",
    "match",
  ],
];

export const NAMES: readonly Case[] = [
  {
    name: "names-with-spaces-and-quotes",
    breaks: "names put into SQL without quotes, or with quotes that are not doubled (TigersWay and upstream: no dump)",
    sql: [
      ...tablesNamed([
        " ",
        "a b",
        ' a"b ',
        "it's",
        "`tick`",
        "[box]",
        "a]b",
        "'q'",
        '"',
        '""',
        "a.b",
        "main.t",
        "a;b",
        "--",
        "/*",
        "%",
        "?",
      ]),
      ...columnsNamed("columns", [
        "a b",
        'c"d',
        "e'f",
        "`g`",
        "[h]",
        "i]j",
        ";",
        "--",
        "/*",
        "?1",
        ":k",
        "$l",
        "@m",
        "%s",
        "a.b",
        '"',
        "'",
      ]),
    ],
  },
  {
    name: "names-with-newlines",
    breaks: "a name that holds a newline breaks line-based tools, and header comments that repeat it",
    sql: [
      ...tablesNamed(["a\nb", "\n", "x\n-- end\n", "\nCOMMIT;\n", "tab\there", "x\rY"]),
      ...columnsNamed("c", ["a\nb", "\n;\n", "c\td", "e\rf"]),
      'CREATE INDEX "i\nj" ON c("a\nb")',
      'CREATE VIEW "v\nw" AS SELECT * FROM c',
      'CREATE TRIGGER "g\n;h" AFTER DELETE ON c BEGIN SELECT 1; END',
    ],
    loses: ["through wrangler d1 execute --file, the first BEGIN TRANSACTION and COMMIT in CREATE statements"],
  },
  {
    name: "names-that-are-keywords",
    breaks: "keywords as table, column, index and view names",
    sql: [
      ...tablesNamed(KEYWORDS),
      ...columnsNamed("words", KEYWORDS),
      'CREATE INDEX "unique" ON "select"("v")',
      'CREATE VIEW "having" AS SELECT * FROM "from"',
      'CREATE TRIGGER "after" AFTER INSERT ON "table" BEGIN INSERT INTO "index" VALUES(NEW."v"); END',
    ],
  },
  {
    name: "names-in-unicode",
    breaks: "emoji, accents in two forms, right to left, look-alikes, and names that differ only in non-ASCII case",
    sql: [
      ...tablesNamed([
        "😀",
        "é",
        "e\u0301",
        "Ä",
        "ä",
        "日本語",
        "مرحبا",
        "\ufeff",
        "\u2028",
        "\u00a0",
        "а",
        "a",
        "K",
        "ſ",
        "\ufffd",
        "\u200b",
      ]),
      ...columnsNamed("c", ["😀", "é", "e\u0301", "Ä", "ä", "\ufeff", "\u2028", "\ufffd", "ﬀ"]),
    ],
  },
  {
    name: "empty-names",
    breaks: "sqlite3 3.53 writes INSERT INTO tab for a table whose name is empty",
    sql: [
      'CREATE TABLE ""(a)',
      'INSERT INTO "" VALUES(1), (2)',
      'CREATE TABLE t("", b)',
      "INSERT INTO t VALUES(1, 2)",
      'CREATE INDEX " " ON ""(a)',
      'CREATE VIEW "  " AS SELECT * FROM ""',
    ],
  },
  {
    name: "long-names",
    breaks: "names of 300 and of 5,000 characters, alike but for the last one",
    sql: [
      ...tablesNamed([`${"n".repeat(299)}a`, `${"n".repeat(299)}b`, "é😀".repeat(150), "x".repeat(5_000)]),
      ...columnsNamed("c", ["c".repeat(300), `${"c".repeat(300)}2`]),
      `CREATE INDEX ${name("i".repeat(300))} ON c(${name("c".repeat(300))})`,
    ],
  },
  {
    name: "hundred-long-column-names",
    breaks: "names of 30 KB in all: a query that mentions each column four times is over the statement limit",
    sql: [
      `CREATE TABLE t(${LONG_COLUMNS.join(", ")})`,
      `INSERT INTO t VALUES(${LONG_COLUMNS.map((_, i) => String(i)).join(", ")})`,
      `INSERT INTO t VALUES(${LONG_COLUMNS.map((_, i) => (i % 2 ? `zeroblob(${i})` : `'text ${i}'`)).join(", ")})`,
      "INSERT INTO t DEFAULT VALUES",
    ],
  },
  {
    name: "names-like-internal-ones",
    breaks: "NOT LIKE 'sqlite_%' and '_cf_%' drop these user tables: _ stands for any character (upstream, kody)",
    sql: tablesNamed([
      ...["sqliteish", "sqlite1", "sqliteusers", "sqlitex_users", "SQLite-notes", "sqlite", "sqlite3_x", "xsqlite_y"],
      ...["acf_fields", "mcf_items", "acfb", "Xcf_orders", "_cfx", "_cf", "cf_KV", "x_cf_KV", "__cf_", "_c_f"],
      ...["d10_notes", "d1x_notes", "d1_migrations2", "pragma_x", "json_each", "fts5", "dbstat", "main", "temp"],
    ]),
  },
  {
    name: "names-of-system-tables",
    breaks: "user tables that hide a pragma function, or are called like the schema table without being it",
    sql: [
      ...tablesNamed([
        "pragma_table_list",
        "pragma_table_xinfo",
        "pragma_index_list",
        "sqliteschema",
        "generate_series",
        "json_tree",
      ]),
      "CREATE VIEW pragma_foreign_key_list AS SELECT 1 AS x",
    ],
  },
  {
    name: "names-from-javascript",
    breaks: "rows as JS objects: __proto__ vanishes, number-like names move to the front, equal ones fall together",
    sql: [
      ...tablesNamed([
        "__proto__",
        "constructor",
        "toString",
        "hasOwnProperty",
        "length",
        "0",
        "1",
        "-1",
        "undefined",
        "NaN",
      ]),
      ...columnsNamed("c", [
        "b",
        "2",
        "1",
        "a",
        "__proto__",
        "constructor",
        "toString",
        "prototype",
        "then",
        "length",
        "",
        "01",
      ]),
    ],
  },
  {
    name: "names-like-aliases",
    breaks: "column names that a dumper's own query may use for itself, such as k, c0, n, line or type",
    sql: [
      ...columnsNamed("k", [
        "k",
        "c0",
        "c1",
        "k0",
        "k1",
        "n",
        "i",
        "v",
        "t",
        "x",
        "row",
        "rows",
        "line",
        "lines",
        "type",
        "src",
        "key",
      ]),
      ...columnsNamed("src", [
        "bytes",
        "size",
        "literal",
        "value",
        "cell",
        "p",
        "page",
        "id",
        "q",
        "r",
        "s",
        "data",
        "length",
        "total",
      ]),
      "CREATE TABLE t(t INTEGER PRIMARY KEY, t0, c, rowid_)",
      "INSERT INTO t VALUES(5, 'a', 'b', 'c'), (-5, 1, 2, 3)",
      "CREATE TABLE c0(c0 TEXT PRIMARY KEY, k) WITHOUT ROWID",
      "INSERT INTO c0 VALUES('b', 1), ('a', 2)",
    ],
  },
  {
    name: "column-named-like-its-text",
    breaks: 'a bare "c" that names no column is the string c in D1: a cell like that cannot tell the two apart',
    sql: [
      "CREATE TABLE t(dropped, kept)",
      "INSERT INTO t VALUES('dropped', 'kept'), ('\"dropped\"', 'x'), ('t.dropped', 'y')",
      "CREATE TABLE u(a, \"A b\", 'c')",
      "INSERT INTO u VALUES('a', 'A b', 'c')",
    ],
  },
  {
    name: "one-name-for-all",
    breaks: "a table, its column, an index on it and a trigger share a name or differ only in case",
    sql: [
      "CREATE TABLE thing(thing)",
      "INSERT INTO thing VALUES('thing')",
      "CREATE TRIGGER thing AFTER DELETE ON thing BEGIN SELECT 1; END",
      "CREATE INDEX Thing2 ON thing(THING)",
      "CREATE TRIGGER thing2 AFTER UPDATE OF thing ON Thing BEGIN SELECT 1; END",
      'CREATE VIEW "THING " AS SELECT thing FROM THING',
    ],
  },
  {
    name: "names-alike-in-unicode-only",
    breaks: "SQLite tells É from é: folded by JavaScript, a table counts as another's shadow, or as another's parent",
    sql: [
      "CREATE TABLE child(parent REFERENCES É(id))",
      "CREATE TABLE É(id INTEGER PRIMARY KEY)",
      "CREATE TABLE é(id INTEGER PRIMARY KEY)",
      "INSERT INTO É VALUES(1)",
      "INSERT INTO child VALUES(1)",
      "CREATE VIRTUAL TABLE ö USING fts5(a)",
      "INSERT INTO ö VALUES('hello')",
      ...tablesNamed(["Ö_data", "Ö_content"]),
      "CREATE VIRTUAL TABLE kelvin USING fts5(a)",
      ...tablesNamed(["\u212aelvin_content"]),
    ],
  },
  {
    name: "long-table-name-of-many-columns",
    breaks: "a name of 3,000 characters before each of 90 columns: a query that qualifies them is over the limit",
    sql: [
      `CREATE TABLE ${LONG_TABLE}(${Array.from({ length: 90 }, (_, i) => `c${i}`).join(", ")})`,
      `INSERT INTO ${LONG_TABLE} VALUES(${Array.from({ length: 90 }, (_, i) => String(i)).join(", ")})`,
      `INSERT INTO ${LONG_TABLE}(c3, c89) VALUES(char(0), X'FF'), ('a' || char(10), zeroblob(50000))`,
    ],
  },
  {
    name: "column-names-of-77-kb",
    breaks: "the names alone nearly fill a statement: whatever is not a few bytes does not fit behind them",
    sql: [
      `CREATE TABLE t(${HUGE_COLUMNS.join(", ")})`,
      ...["1", "NULL", `'${"v".repeat(150)}'`, "zeroblob(90)", "char(0)", "1e300"].map(
        (cell) => `INSERT INTO t VALUES(${HUGE_COLUMNS.map(() => cell).join(", ")})`,
      ),
      `INSERT INTO t(${HUGE_COLUMNS[50]}) VALUES(zeroblob(70000))`,
    ],
  },
];
