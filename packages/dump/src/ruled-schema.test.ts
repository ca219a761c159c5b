import { DatabaseSync } from "node:sqlite";
import type { Redaction, Replacement, Rules } from "@patina/core/rules";
import { expect, test } from "vitest";
import { D1_LIMITS } from "./d1-limits.ts";
import { readRuledSchema } from "./ruled-schema.ts";
import { sqliteSource } from "./sqlite-source.ts";

/** What is said of the rules for a database of these statements: null when they can be applied. */
async function verdict(ddl: readonly string[], rules: Partial<Rules>): Promise<string | null> {
  const db = new DatabaseSync(":memory:", { enableDoubleQuotedStringLiterals: true, limits: D1_LIMITS });
  for (const sql of ddl) db.exec(sql);
  try {
    await readRuledSchema(sqliteSource(db), { redactions: [], excludedTables: [], ...rules });
    return null;
  } catch (error) {
    return String(error);
  } finally {
    db.close();
  }
}

const NULL = { as: "null" } as const;
const TEXT = { as: "text", text: "removed" } as const;
const DIGEST = { as: "digest" } as const;

function redact(table: string, column: string, replacement: Replacement): Redaction {
  return { ...replacement, table, column };
}

/** A table "t" with a column "c" to be redacted: what may stand in its place. */
interface Redactable {
  readonly that: string;
  readonly ddl: readonly string[];
  readonly allows: readonly Replacement["as"][];
  /** What the refusal of the others says. */
  readonly says?: RegExp;
  readonly also?: Partial<Rules>;
}

const REDACTABLE: readonly Redactable[] = [
  { that: "an ordinary column", ddl: ["CREATE TABLE t(a, c TEXT, e)"], allows: ["null", "text", "digest"] },
  { that: "a BLOB column", ddl: ["CREATE TABLE t(a, c BLOB)"], allows: ["null", "text", "digest"] },
  {
    that: "a NOT NULL column",
    ddl: ["CREATE TABLE t(a, c TEXT NOT NULL)"],
    allows: ["text", "digest"],
    says: /'t'.'c' is NOT NULL and cannot become NULL/,
  },
  {
    that: "an INTEGER PRIMARY KEY",
    ddl: ["CREATE TABLE t(c INTEGER PRIMARY KEY, a)"],
    allows: [],
    says: /'t'.'c' is an INTEGER PRIMARY KEY/,
  },
  {
    that: "another primary key",
    ddl: ["CREATE TABLE t(c TEXT PRIMARY KEY, a)"],
    allows: ["digest"],
    says: /part of the primary key|is unique/,
  },
  {
    that: "a key of a WITHOUT ROWID table",
    ddl: ["CREATE TABLE t(a TEXT, c TEXT, PRIMARY KEY(a, c)) WITHOUT ROWID"],
    allows: [],
    says: /key of a WITHOUT ROWID table/,
  },
  {
    that: "another column of a WITHOUT ROWID table",
    ddl: ["CREATE TABLE t(a TEXT PRIMARY KEY, c TEXT) WITHOUT ROWID"],
    allows: ["null", "text", "digest"],
  },
  {
    that: "a UNIQUE column",
    ddl: ["CREATE TABLE t(a, c TEXT UNIQUE)"],
    allows: ["null", "digest"],
    says: /'t'.'c' is unique and cannot become one text/,
  },
  {
    that: "a part of a unique index",
    ddl: ["CREATE TABLE t(a, c TEXT)", "CREATE UNIQUE INDEX i ON t(a, c)"],
    allows: ["null", "digest"],
    says: /is unique/,
  },
  {
    that: "a column of a unique index over lower()",
    ddl: ["CREATE TABLE t(a, c TEXT)", 'CREATE UNIQUE INDEX i ON t(lower("c") DESC)'],
    allows: ["null", "digest"],
    says: /unique index 'i' is computed from 't'.'c'/,
  },
  {
    that: "a column of a unique index over another expression",
    ddl: ["CREATE TABLE t(a, c TEXT)", "CREATE UNIQUE INDEX i ON t(coalesce(c, ''))"],
    allows: [],
    says: /unique index 'i' is computed from 't'.'c'/,
  },
  {
    that: "the condition of a unique index",
    ddl: ["CREATE TABLE t(a, c TEXT)", "CREATE UNIQUE INDEX i ON t(a) WHERE c IS NULL"],
    allows: [],
    says: /unique index 'i' is computed from 't'.'c'/,
  },
  {
    that: "the condition of an index",
    ddl: ["CREATE TABLE t(a, c TEXT)", "CREATE INDEX i ON t(a) WHERE c IS NOT NULL AND (c <> 'x')"],
    allows: ["null", "text", "digest"],
  },
  {
    that: "an index over JSON",
    ddl: ["CREATE TABLE t(a, c TEXT)", "CREATE INDEX i ON t(json_extract(c, '$.x'))"],
    allows: ["null"],
    says: /index 'i' may not be computable/,
  },
  {
    that: "an index over JSON by operator",
    ddl: ["CREATE TABLE t(a, c TEXT)", "CREATE INDEX i ON t(a, c ->> '$.x')"],
    allows: ["null"],
    says: /index 'i' may not be computable/,
  },
  {
    that: "an index that merely names the column in a string",
    ddl: ["CREATE TABLE t(a, c TEXT)", "CREATE UNIQUE INDEX i ON t(a) WHERE a <> 'c' /* c */"],
    allows: ["null", "text", "digest"],
  },
  {
    that: "a column of a STRICT table",
    ddl: ["CREATE TABLE t(a INT, c INTEGER) STRICT"],
    allows: ["null"],
    says: /'t'.'c' is STRICT INTEGER and takes no text/,
  },
  {
    that: "a text of a STRICT table",
    ddl: ["CREATE TABLE t(a INT, c TEXT, e ANY) STRICT"],
    allows: ["null", "text", "digest"],
  },
  {
    that: "a column with a CHECK that holds of NULL",
    ddl: ["CREATE TABLE t(a, c TEXT CHECK(length(c) < 9))"],
    allows: ["null"],
    says: /'t'.'c' has a CHECK constraint/,
  },
  {
    that: "a column with a CHECK that does not hold of NULL",
    ddl: ["CREATE TABLE t(a, c TEXT CHECK(c IS NOT NULL))"],
    allows: [],
    says: /'t'.'c' has a CHECK constraint/,
  },
  {
    that: "a column with a CHECK over another column too",
    ddl: ['CREATE TABLE t(a, c TEXT, CHECK(c IS NULL OR "a" IS NOT NULL))'],
    allows: [],
    says: /'t'.'c' has a CHECK constraint, which (NULL|another text|a digest) may violate/,
  },
  {
    that: "columns with a CHECK that all become NULL",
    ddl: ['CREATE TABLE t(a, c TEXT, CHECK(c IS NULL OR "a" IS NOT NULL))'],
    also: { redactions: [redact("t", "a", NULL)] },
    allows: ["null"],
    says: /'t'.'c' has a CHECK constraint/,
  },
  {
    that: "a source of a generated column",
    ddl: ["CREATE TABLE t(a, c TEXT, g AS (lower(c)), h TEXT GENERATED ALWAYS AS (g || a) STORED)"],
    allows: ["null", "text", "digest"],
  },
  {
    that: "a source of a generated column that reads JSON",
    ddl: ["CREATE TABLE t(a, c TEXT, g AS (json_extract(c, '$.x')))"],
    allows: ["null"],
    says: /generated column 'g', which is computed from 't'.'c', may not be computable from/,
  },
  {
    that: "a source of a generated column that is unique",
    ddl: ["CREATE TABLE t(a, c TEXT, g AS (lower(c)), h AS (g || '!') UNIQUE)"],
    allows: [],
    says: /generated column 'h', which is computed from 't'.'c', is unique/,
  },
  {
    that: "a source of a generated column that is NOT NULL",
    ddl: ["CREATE TABLE t(a, c TEXT, g AS (lower(c)) NOT NULL)"],
    allows: [],
    says: /generated column 'g', which is computed from 't'.'c', is NOT NULL/,
  },
  {
    that: "a child's column of a foreign key",
    ddl: ["CREATE TABLE p(id INTEGER PRIMARY KEY)", "CREATE TABLE t(a, c INT REFERENCES p)"],
    allows: ["null"],
    says: /'t'.'c' is part of a foreign key from 't' to 'p': both of its sides need a digest/,
  },
  {
    that: "a parent's column of a foreign key",
    ddl: ["CREATE TABLE t(a, c TEXT UNIQUE)", "CREATE TABLE k(x TEXT REFERENCES t(c))"],
    allows: [],
    says: /'t'.'c' is part of a foreign key from 'k' to 't'|is unique/,
  },
  {
    that: "a parent's column of a foreign key whose other side has a digest",
    ddl: ["CREATE TABLE t(a, c TEXT PRIMARY KEY)", "CREATE TABLE k(x VARCHAR REFERENCES t)"],
    also: { redactions: [redact("k", "x", DIGEST)] },
    allows: ["digest"],
    says: /both of its sides need a digest|primary key/,
  },
  {
    that: "a parent's column of a foreign key whose other side has a digest of another type",
    ddl: ["CREATE TABLE t(a, c TEXT PRIMARY KEY)", "CREATE TABLE k(x INT REFERENCES t)"],
    also: { redactions: [redact("k", "x", DIGEST)] },
    allows: [],
    says: /may have different digests|both of its sides|primary key/,
  },
  {
    that: "a parent's column without affinity, whose other side has a digest",
    ddl: ["CREATE TABLE t(a, c PRIMARY KEY)", "CREATE TABLE k(x REFERENCES t)"],
    also: { redactions: [redact("k", "x", DIGEST)] },
    allows: [],
    says: /may have different digests|both of its sides|primary key/,
  },
  {
    that: "a parent's column in a STRICT table, whose other side has a digest",
    ddl: ["CREATE TABLE t(a INT, c TEXT UNIQUE) STRICT", "CREATE TABLE k(x TEXT REFERENCES t(c))"],
    also: { redactions: [redact("k", "x", DIGEST)] },
    allows: ["digest"],
    says: /both of its sides|is unique/,
  },
  {
    that: "a parent's column that compares without case, whose other side has a digest",
    ddl: ["CREATE TABLE t(a, c TEXT COLLATE NOCASE UNIQUE)", "CREATE TABLE k(x TEXT REFERENCES t(c))"],
    also: { redactions: [redact("k", "x", DIGEST)] },
    allows: [],
    says: /may have different digests|both of its sides|is unique/,
  },
  {
    that: "a parent's column of a foreign key whose other side becomes NULL",
    ddl: ["CREATE TABLE t(a, c TEXT UNIQUE)", "CREATE TABLE k(x TEXT REFERENCES t(c))"],
    also: { redactions: [redact("k", "x", NULL)] },
    allows: ["null", "digest"],
    says: /is unique/,
  },
  {
    that: "a parent's column of a foreign key of an excluded table",
    ddl: ["CREATE TABLE t(a, c TEXT UNIQUE)", "CREATE TABLE k(x TEXT REFERENCES t(c))"],
    also: { excludedTables: ["k"] },
    allows: ["null", "digest"],
    says: /is unique/,
  },
  {
    that: "a column that a trigger copies into an FTS5 table",
    ddl: [
      "CREATE TABLE t(a, c TEXT)",
      "CREATE VIRTUAL TABLE f USING fts5(c)",
      "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO f(rowid, c) VALUES(new.rowid, new.c); END",
    ],
    allows: [],
    says: /'t'.'c' has a copy, which trigger 'g' copies into FTS5 table 'f': name that in a rule too/,
  },
  {
    that: "a column that a trigger of a view copies into an FTS5 table",
    ddl: [
      "CREATE TABLE t(a, c TEXT)",
      "CREATE VIRTUAL TABLE f USING fts5(c)",
      "CREATE VIEW v AS SELECT a, c FROM t",
      "CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN INSERT INTO f(c) VALUES(new.c); END",
    ],
    allows: [],
    says: /trigger 'g' copies into FTS5 table 'f'/,
  },
  {
    that: "a column that a trigger copies into an FTS5 table with a rule of its own",
    ddl: [
      "CREATE TABLE t(a, c TEXT)",
      "CREATE VIRTUAL TABLE f USING fts5(c)",
      "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO f(rowid, c) VALUES(new.rowid, new.c); END",
    ],
    also: { redactions: [redact("f", "c", NULL)] },
    allows: ["null", "text", "digest"],
  },
  {
    that: "a column that an FTS5 table indexes from here",
    ddl: [
      "CREATE TABLE t(a, c TEXT)",
      "CREATE VIRTUAL TABLE f USING fts5(c, content=t)",
      "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO f(rowid, c) VALUES(new.rowid, new.c); END",
    ],
    allows: ["null", "text", "digest"],
  },
  {
    that: "a column of an FTS5 table",
    ddl: ["CREATE VIRTUAL TABLE t USING fts5(a, c)"],
    allows: ["null", "text", "digest"],
  },
  {
    that: "a column of an FTS5 table over another table",
    ddl: ["CREATE TABLE x(c)", "CREATE VIRTUAL TABLE t USING fts5(c, content=x)"],
    allows: [],
    says: /virtual table without content of its own/,
  },
  { that: "a column of an R*Tree", ddl: ["CREATE VIRTUAL TABLE t USING rtree(a, c, d)"], allows: [], says: /R\*Tree/ },
  {
    that: "a generated column",
    ddl: ["CREATE TABLE t(a, c AS (a))"],
    allows: [],
    says: /'t'.'c' is generated: redact what it is computed from/,
  },
  {
    that: "a column of a database with a table that hides a pragma",
    ddl: ["CREATE TABLE pragma_table_list(x)", "CREATE TABLE t(a, c TEXT NOT NULL)"],
    allows: ["text", "digest"],
    says: /NOT NULL/,
  },
];

const every = REDACTABLE.flatMap((one) =>
  [NULL, TEXT, DIGEST].map((replacement) => [one.that, replacement, one] as const),
);

test.each(every)("%s, redacted as %o", async (_, replacement, { ddl, allows, says, also }) => {
  const redactions = [redact("T", "C", replacement), ...(also?.redactions ?? [])];
  const found = await verdict(ddl, { ...also, redactions });
  if (allows.includes(replacement.as)) expect(found).toBeNull();
  else expect(found).toMatch(new RegExp(says?.source ?? "^never$", "i"));
});

test("a text that a column would store as a number is refused", async () => {
  const number = redact("t", "c", { as: "text", text: " -1.5e3 " });
  expect(await verdict(["CREATE TABLE t(c INTEGER)"], { redactions: [number] })).toMatch(
    /would store the text as a number/,
  );
  expect(await verdict(["CREATE TABLE t(c DATETIME)"], { redactions: [number] })).toMatch(
    /would store the text as a number/,
  );
  expect(await verdict(["CREATE TABLE t(c TEXT)"], { redactions: [number] })).toBeNull();
  expect(await verdict(["CREATE TABLE t(c ANY) STRICT"], { redactions: [number] })).toBeNull();
});

test("what does not exist is named, all of it", async () => {
  const rules = {
    redactions: [redact("t", "gone", NULL), redact("t", "c", NULL), redact("missing", "c", TEXT)],
    excludedTables: ["sessions", "T"],
  };
  const found = await verdict(["CREATE TABLE t(c NOT NULL)", "CREATE VIEW sessions AS SELECT 1"], rules);
  expect(found).toContain(
    "Cannot apply the rules: table 'sessions' does not exist; column 't'.'gone' does not exist; table 'missing' does not exist",
  );
});

test("a table is excluded with what refers to it, or not at all", async () => {
  const ddl = [
    "CREATE TABLE users(id INTEGER PRIMARY KEY, boss INT REFERENCES users)",
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, user INT REFERENCES users, other INT)",
    "CREATE TABLE notes(x INT REFERENCES orders)",
  ];
  const refusal = /rows of 'orders' refer to rows of excluded table 'users'/;
  expect(await verdict(ddl, { excludedTables: ["USERS"] })).toMatch(refusal);
  expect(await verdict(ddl, { excludedTables: ["users", "notes"] })).toMatch(refusal);
  expect(await verdict(ddl, { excludedTables: ["users", "orders"] })).toMatch(/rows of 'notes' refer/);
  expect(await verdict(ddl, { excludedTables: ["users", "orders", "notes"] })).toBeNull();
  expect(await verdict(ddl, { excludedTables: ["notes"] })).toBeNull();
  const redactions = [redact("orders", "user", NULL)];
  expect(await verdict(ddl, { excludedTables: ["users"], redactions })).toBeNull();
});

test("a virtual table is excluded when it has rows of its own", async () => {
  const ddl = [
    "CREATE TABLE t(c)",
    "CREATE VIRTUAL TABLE own USING fts5(c)",
    "CREATE VIRTUAL TABLE boxes USING rtree(id, a, b)",
    "CREATE VIRTUAL TABLE of_t USING fts5(c, content=t)",
    "CREATE VIRTUAL TABLE bare USING fts5(c, content='')",
  ];
  expect(await verdict(ddl, { excludedTables: ["own", "boxes", "t"] })).toBeNull();
  expect(await verdict(ddl, { excludedTables: ["of_t"] })).toMatch(/table 'of_t' has no rows of its own/);
  expect(await verdict(ddl, { excludedTables: ["bare"] })).toMatch(/table 'bare' has no rows of its own/);
});

test("what the rules leave of the guard is about columns that stay", async () => {
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE t(a CHECK(a > 0), c CHECK(length(c) < 9), g AS (c || 1), h AS (a || 1))");
  const { schema } = await readRuledSchema(sqliteSource(db), {
    redactions: [redact("t", "c", NULL)],
    excludedTables: [],
  });
  expect(schema.tables).toMatchObject([{ checks: ["a > 0"], generated: ["h"] }]);
  expect(schema.tables[0]?.columns.map(({ redacted }) => redacted?.as)).toEqual([undefined, "null"]);
});
