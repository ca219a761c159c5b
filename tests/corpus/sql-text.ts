import type { Case } from "./case.ts";
import { insert, text } from "./quote.ts";

function notes(values: readonly string[]): string[] {
  return [
    "CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT)",
    insert(
      "notes(body)",
      values.map((value) => [text(value)]),
    ),
  ];
}

/** Text that a reader of SQL files may take for SQL. */
export const SQL_TEXT: readonly Case[] = [
  {
    name: "statement-ends-in-text",
    breaks: "splitters that cut at every semicolon, or at one that ends a line",
    sql: notes([
      ";",
      "a;b",
      ";\n",
      "a;\nb;\n",
      "';",
      "');\nDROP TABLE notes;\n--",
      ";;;",
      "\n;\n",
      "x;\r\ny;\r\n",
      "it''s;",
    ]),
  },
  {
    name: "comments-in-text",
    breaks: "tools that strip -- and /* */ without looking at quotes",
    sql: notes([
      "--",
      "-- end",
      "a -- b",
      "/*",
      "*/",
      "/* a */",
      "/* a\nb",
      "\n-- end\n",
      "--\n",
      "#",
      "//",
      "a--b/*c*/d",
      "-",
    ]),
  },
  {
    name: "transaction-words-in-text",
    breaks: "wrangler d1 execute --file removes the first BEGIN TRANSACTION and COMMIT; wherever they stand",
    sql: notes([
      "BEGIN TRANSACTION;",
      "COMMIT;",
      "BEGIN TRANSACTION",
      "COMMIT",
      "\nBEGIN TRANSACTION;\n",
      "\nCOMMIT;\n",
      "before\nBEGIN TRANSACTION;\nbetween\nCOMMIT;\nafter",
      "before\r\nBEGIN TRANSACTION;\r\nCOMMIT;\r\nafter",
      "xBEGIN TRANSACTION;COMMIT;x",
      "BEGIN TRANSACTION;BEGIN TRANSACTION;COMMIT;COMMIT;",
      "begin transaction;\ncommit;",
      "BEGIN  TRANSACTION; COMMIT ;",
      "BEGIN IMMEDIATE; ROLLBACK; END TRANSACTION; SAVEPOINT a; RELEASE a;",
      "COMMIT;BEGIN TRANSACTION;'BEGIN TRANSACTION;'",
      "BEGIN TRANSACTIONBEGIN TRANSACTION;;COMMITCOMMIT;;",
      "BEGIN\nTRANSACTION;",
      "COM\nMIT;",
    ]),
  },
  {
    name: "many-transaction-words",
    breaks:
      "a literal split with || at each of them: above 100 the expression is deeper than D1 takes, above 1000 than any",
    sql: [
      ...notes(["BEGIN TRANSACTION;INSERT INTO t VALUES(1);COMMIT;".repeat(60), "COMMIT;\n".repeat(150)]),
      "INSERT INTO notes(body) SELECT replace(hex(zeroblob(3000)), '00', 'COMMIT;')",
      "INSERT INTO notes(body) SELECT replace(hex(zeroblob(9000)), '00', 'COMMIT;')",
    ],
  },
  {
    name: "transaction-words-across-cells",
    breaks: "the same words put together by what stands between two cells, two rows or two pieces of one text",
    sql: [
      "CREATE TABLE t(a TEXT, b TEXT, c TEXT)",
      insert("t", [
        ["'BEGIN '", "'TRANSACTION;'", "'COMMIT'"],
        ["';'", "'BEGIN'", "' TRANSACTION;'"],
        ["'COMM'", "'IT;'", "'BEGIN TRANSACTION'"],
        [
          "CAST(X'424547494E205452414E53414354494F4E3B' AS BLOB)",
          "X'434F4D4D49543B'",
          "CAST(X'434F4D4D49543B00' AS TEXT)",
        ],
      ]),
    ],
  },
  {
    name: "dump-lines-in-text",
    breaks: "a reader that knows a dump by its lines: header, footer, pragmas, INSERTs of other tables",
    sql: notes([
      "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;",
      "\n-- end\n",
      "-- end",
      "\n-- end rows=0 sha256=0\n",
      "PRAGMA foreign_keys=ON;",
      "\nINSERT INTO notes VALUES(1,'x');\n",
      'INSERT INTO "notes"("id","body") VALUES\n(1,\'x\'),\n(2,\'y\');\n',
      '\nDROP TABLE IF EXISTS "notes";\n',
      "\n.quit\n",
      ".mode list",
      "\n/\ngo\nGO\n",
      "-- Patina dump, format version 1",
    ]),
  },
  {
    name: "trigger-words-in-text",
    breaks: "splitters that count BEGIN, CASE and END to find the end of a trigger",
    sql: notes([
      "CREATE TRIGGER x AFTER INSERT ON y BEGIN",
      "END;",
      "CREATE TEMP TRIGGER",
      "CASE WHEN 1 THEN 2",
      "BEGIN",
      "END",
      "CREATE TRIGGER a BEGIN SELECT CASE END; END;",
      "\nEND;\n",
    ]),
  },
];
