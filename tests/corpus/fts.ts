import type { Case } from "./case.ts";
import { textOf } from "./quote.ts";

/** FTS5 tables that hold their own text, and those that hold none. */
export const FTS: readonly Case[] = [
  {
    name: "fts5-own-content",
    breaks: "wrangler refuses the whole database; .dump writes shadow tables through writable_schema, which D1 refuses",
    sql: [
      "CREATE VIRTUAL TABLE notes USING fts5(title, body)",
      "INSERT INTO notes VALUES('Hello', 'the quick brown fox; jumps'), ('World', 'it''s\nlazy'), (NULL, ''), ('Hello', 'the quick brown fox; jumps')",
    ],
  },
  {
    name: "fts5-rowids",
    breaks: "explicit, negative and huge rowids, which the application uses as its ids, are numbered anew",
    sql: [
      "CREATE VIRTUAL TABLE f USING fts5(body)",
      "INSERT INTO f(rowid, body) VALUES(100, 'one hundred'), (-7, 'minus seven'), (9007199254740993, 'beyond'), (9223372036854775807, 'max'), (-9223372036854775808, 'min'), (0, 'zero'), (3, 'three')",
      "DELETE FROM f WHERE rowid = 3",
      "UPDATE f SET body = 'one hundred, changed' WHERE rowid = 100",
      "INSERT OR REPLACE INTO f(rowid, body) VALUES(0, 'nought')",
    ],
  },
  {
    name: "fts5-options",
    breaks: "tokenizers, prefix, columnsize and detail options rebuilt from a parsed CREATE; UNINDEXED columns",
    sql: [
      "CREATE VIRTUAL TABLE a USING fts5(x, y UNINDEXED, z, prefix='2 3', tokenize=\"porter unicode61 remove_diacritics 2 tokenchars '-_' separators 'x'\")",
      "CREATE VIRTUAL TABLE b USING fts5(x, tokenize = 'trigram case_sensitive 1')",
      "CREATE VIRTUAL TABLE c USING fts5(x, y, detail=none, columnsize=0)",
      "CREATE VIRTUAL TABLE d USING fts5(x, y, detail=column, tokenize='ascii')",
      "CREATE VIRTUAL TABLE e USING fts5(x, tokenize=\"unicode61 categories 'L* N* Co'\", prefix=1)",
      "CREATE VIRTUAL TABLE l USING fts5(x, locale=1)",
      "INSERT INTO a VALUES('running well-known', 'kept aside', 'Ünïcödé déjà-vu'), ('run_time', NULL, 'x')",
      "INSERT INTO b VALUES('The quick brown fox'), ('日本語のテキスト'), ('ab')",
      "INSERT INTO c VALUES('one two', 'two three'), ('three', 'one')",
      "INSERT INTO d VALUES('Stop', 'a stop b'), ('go', 'ÄÖ')",
      "INSERT INTO e VALUES('c3po 1/2 ½ \ue000'), ('10:30')",
      "INSERT INTO l VALUES('plain text'), ('zwei Wörter')",
    ],
  },
  {
    name: "fts5-config",
    breaks: "a custom rank and merge settings live in the shadow table _config, which a rebuild does not restore",
    sql: [
      "CREATE VIRTUAL TABLE f USING fts5(title, body)",
      "INSERT INTO f VALUES('fox', 'dog dog'), ('dog', 'fox fox fox'), ('dog fox', 'cat')",
      "INSERT INTO f(f, rank) VALUES('rank', 'bm25(10.0, 5.0)')",
      "INSERT INTO f(f, rank) VALUES('pgsz', 1000)",
      "INSERT INTO f(f, rank) VALUES('automerge', 8)",
      "INSERT INTO f(f, rank) VALUES('usermerge', 3)",
      "INSERT INTO f(f, rank) VALUES('crisismerge', 12)",
      "INSERT INTO f(f, rank) VALUES('deletemerge', 20)",
      "CREATE VIRTUAL TABLE s USING fts5(body)",
      "INSERT INTO s VALUES('secret one'), ('secret two')",
      "INSERT INTO s(s, rank) VALUES('secure-delete', 1)",
      "DELETE FROM s WHERE rowid = 1",
    ],
  },
  {
    name: "fts5-typed-values",
    breaks: "an FTS5 table keeps the type of what is inserted: numbers, BLOBs, NUL and invalid UTF-8 come back as text",
    sql: [
      "CREATE VIRTUAL TABLE f USING fts5(a, b, c UNINDEXED)",
      `INSERT INTO f VALUES(123, X'00FF', 1.0), (NULL, 9e999, -0.0), (9223372036854775807, X'', ''), ('a' || char(0) || 'b', ${textOf("61 20 ff 20 62")}, ${textOf("00")}), ('x' || char(13, 10) || 'y', '\\n' || char(10), '\ufffd')`,
    ],
  },
  {
    name: "fts5-long-text",
    breaks: "documents over the statement limit: there is no UPDATE of a piece, each one indexes all again",
    sql: [
      "CREATE VIRTUAL TABLE f USING fts5(title, body)",
      `INSERT INTO f SELECT 'long', group_concat(printf('word%d', i * 7919 % 5000), ' ') FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT i FROM n)`,
      "INSERT INTO f VALUES('short', 'word1 word2')",
      "INSERT INTO f SELECT 'blob', CAST(substr(body, 1, 120000) AS BLOB) FROM f WHERE rowid = 1",
    ],
  },
  {
    name: "fts5-many-rows",
    breaks: "deleted and updated rows, merged and optimized segments: the index differs in bytes, not in answers",
    sql: [
      "CREATE VIRTUAL TABLE f USING fts5(body, prefix='2')",
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
INSERT INTO f SELECT printf('row%d common%d word%d', i, i % 3, i * 31 % 97) FROM n`,
      "DELETE FROM f WHERE rowid % 5 = 0",
      "UPDATE f SET body = body || ' changed' WHERE rowid % 7 = 0",
      "INSERT INTO f(f) VALUES('optimize')",
      "INSERT INTO f(body) VALUES('after optimize')",
    ],
  },
  {
    name: "fts5-empty",
    breaks: "an FTS5 table without rows, and one whose rows were all deleted",
    sql: [
      "CREATE VIRTUAL TABLE never USING fts5(a)",
      "CREATE VIRTUAL TABLE emptied USING fts5(a)",
      "INSERT INTO emptied VALUES('x'), ('y')",
      "DELETE FROM emptied",
    ],
  },
  {
    name: "fts5-names",
    breaks: "names that need quotes, in the table, its columns and the command column; columns named oid",
    sql: [
      'CREATE VIRTUAL TABLE "my ""notes"" ☃" USING fts5("the title", [a b], \'c d\' UNINDEXED, "select")',
      `INSERT INTO "my ""notes"" ☃" VALUES('hello', 'big world', 'aside', 'x')`,
      `INSERT INTO "my ""notes"" ☃"("my ""notes"" ☃", rank) VALUES('rank', 'bm25(3.0)')`,
      "CREATE VIRTUAL TABLE f USING fts5(oid, _rowid_, id, c0)",
      "INSERT INTO f(rowid, oid, _rowid_, id, c0) VALUES(40, 'a', 'b', 'c', 'd'), (7, 'e', 'f', 'g', 'h')",
      "CREATE VIRTUAL TABLE IF NOT EXISTS main.[it's] USING FTS5 (\n  a, -- the text\n  b /* more */\n)",
      "INSERT INTO [it's] VALUES('one', 'two')",
    ],
  },
  {
    name: "fts5-renamed",
    breaks: "a renamed FTS5 table: its shadow tables are stored with other quotes than a new one's",
    sql: [
      "CREATE VIRTUAL TABLE before USING fts5(a)",
      "INSERT INTO before VALUES('kept text')",
      'ALTER TABLE before RENAME TO "after it"',
      "INSERT INTO \"after it\" VALUES('new text')",
    ],
  },
  {
    name: "fts5vocab",
    breaks: "fts5vocab tables hold nothing of their own: dumped as rows, they refuse the INSERT",
    sql: [
      "CREATE VIRTUAL TABLE f USING fts5(a, b)",
      "INSERT INTO f VALUES('one two', 'two three')",
      "CREATE VIRTUAL TABLE v_row USING fts5vocab('f', 'row')",
      "CREATE VIRTUAL TABLE v_col USING fts5vocab(f, col)",
      'CREATE VIRTUAL TABLE "v inst" USING fts5vocab("f", "instance")',
      "CREATE VIRTUAL TABLE v_early USING fts5vocab(later, row)",
      "CREATE VIRTUAL TABLE later USING fts5(x)",
      "INSERT INTO later VALUES('late')",
    ],
  },
  {
    name: "fts5-contentless",
    breaks: "the index holds no text at all: nothing can write it again, and nobody says so before it is needed",
    sql: [
      "CREATE VIRTUAL TABLE f USING fts5(title, body, content='')",
      "INSERT INTO f(rowid, title, body) VALUES(1, 'hello', 'big world'), (20, 'bye', 'small world'), (-3, 'x', NULL)",
      "INSERT INTO f(f, rowid, title, body) VALUES('delete', 20, 'bye', 'small world')",
      'CREATE VIRTUAL TABLE g USING fts5(body, content="", columnsize=0)',
      "INSERT INTO g(rowid, body) VALUES(5, 'not even a size')",
      "CREATE TABLE t(a)",
      "INSERT INTO t VALUES('still here')",
    ],
    loses: ["the index of contentless FTS5 table f", "the index of contentless FTS5 table g"],
    exceptFts: ["f", "g"],
  },
  {
    name: "fts5-named-rowid",
    breaks: "an FTS5 table has a hidden column of its own name: in one called rowid, that word is no rowid",
    sql: [
      'CREATE VIRTUAL TABLE "rowid" USING fts5(body)',
      `INSERT INTO "rowid"(_rowid_, body) VALUES(7, 'seven'), (-2, 'minus two'), (900, 'nine hundred')`,
      "DELETE FROM \"rowid\" WHERE body MATCH 'seven'",
    ],
  },
  {
    name: "fts5-contentless-delete",
    breaks:
      "the same with deletes and updates, and with stored UNINDEXED columns, which look like content and are not all",
    sql: [
      "CREATE VIRTUAL TABLE f USING fts5(body, content='', contentless_delete=1)",
      "INSERT INTO f(rowid, body) VALUES(1, 'one'), (2, 'two'), (3, 'three')",
      "DELETE FROM f WHERE rowid = 2",
      "INSERT OR REPLACE INTO f(rowid, body) VALUES(3, 'drei')",
      "CREATE VIRTUAL TABLE u USING fts5(body, id UNINDEXED, content='', contentless_delete=1, contentless_unindexed=1)",
      "INSERT INTO u(rowid, body, id) VALUES(1, 'one', 'A1'), (2, 'two', 9007199254740993)",
    ],
    loses: ["the index of contentless FTS5 table f", "the index of contentless FTS5 table u"],
    exceptFts: ["f", "u"],
  },
  {
    name: "virtual-quoted-module",
    breaks: "the module's name in quotes: a table whose kind is not told apart brings its shadow tables twice",
    sql: [
      'CREATE VIRTUAL TABLE f USING "fts5"(a, b)',
      "INSERT INTO f(rowid, a, b) VALUES(7, 'hello', 'world')",
      "CREATE VIRTUAL TABLE g USING[FTS5](a)",
      "INSERT INTO g VALUES('x y')",
      "CREATE VIRTUAL TABLE h USING `rtree`(id, a, b)",
      "INSERT INTO h VALUES(1, 2, 3)",
    ],
  },
  {
    name: "fts5-abbreviated-options",
    breaks:
      "FTS5 takes the beginning of an option for the whole of it: c='' is contentless, col=0 has no docsize table",
    sql: [
      "CREATE TABLE docs(id INTEGER PRIMARY KEY, body)",
      "INSERT INTO docs VALUES(5, 'alpha beta'), (9, 'gamma')",
      "CREATE VIRTUAL TABLE f USING fts5(body, Cont='docs', content_r='id')",
      "INSERT INTO f(f) VALUES('rebuild')",
      "CREATE VIRTUAL TABLE g USING fts5(body, c='', tok='porter')",
      "INSERT INTO g(rowid, body) VALUES(1, 'running dogs')",
      "CREATE TABLE h_docsize(a)",
      "INSERT INTO h_docsize VALUES('mine')",
      "CREATE VIRTUAL TABLE h USING fts5(body, col=0)",
      "INSERT INTO h VALUES('one two')",
    ],
    loses: ["the index of contentless FTS5 table g"],
    exceptFts: ["g"],
  },
];
