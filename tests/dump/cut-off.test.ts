import { DatabaseSync } from "node:sqlite";
import { splitStatements } from "@patina/dump/statements";
import { expect, test } from "vitest";
import { compare } from "../compare/compare.ts";
import { asD1, dumpSource, liftLimits } from "./engines.ts";

function source(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a);
    INSERT INTO t VALUES(1, 'short'), (2, zeroblob(100000)), (3, 'last')`);
  return db;
}

test("a restore that was cut off behind any statement can be begun again", async () => {
  const db = source();
  const { sql } = await dumpSource(asD1(db), 1e9);
  liftLimits(db);
  const statements = splitStatements(sql.toString()).filter((one) => !/^(BEGIN TRANSACTION|COMMIT)$/.test(one));
  for (const end of statements.keys()) {
    const restored = new DatabaseSync(":memory:");
    for (const statement of statements.slice(0, end)) restored.exec(statement);
    for (const statement of statements) restored.exec(statement);
    expect(compare(db, restored), `cut off behind ${statements[end - 1]?.slice(0, 80)}`).toEqual([]);
    restored.close();
  }
  db.close();
});
