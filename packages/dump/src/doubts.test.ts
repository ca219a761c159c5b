import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { misreadDefinitions } from "./doubts.ts";
import { readSchema } from "./schema-reader.ts";
import { sqliteSource } from "./sqlite-source.ts";

/** What D1 stores of a lone surrogate in a statement: node:sqlite cannot be given one. */
function surrogateIn(db: DatabaseSync, table: string): void {
  db.enableDefensive(false);
  db.exec(`PRAGMA writable_schema=ON;
    UPDATE sqlite_schema SET sql=CAST(replace(CAST(sql AS BLOB), '?', X'EDA080') AS TEXT) WHERE name='${table}';
    PRAGMA writable_schema=RESET`);
}

test("misreadDefinitions() tells bytes that are no UTF-8 from a U+FFFD that somebody wrote", async () => {
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE honest(a DEFAULT '\uFFFD'); CREATE TABLE broken(a DEFAULT '?')");
  surrogateIn(db, "broken");
  const source = sqliteSource(db);
  const { identity } = await readSchema(source);
  expect(await misreadDefinitions(source, identity)).toEqual([
    "The definition of 'broken' holds bytes that are no UTF-8: they are not carried",
  ]);
  db.close();
});
