import { createHash } from "node:crypto";
import { GzipWriter } from "@patina/archive/gzip-writer";
import { type Readable, readSql, readTable } from "@patina/archive/range-reader";
import { NO_RULES } from "@patina/core/rules";
import { dump } from "@patina/dump/dump";
import { restore } from "@patina/dump/restore";
import { sqliteSource } from "@patina/dump/sqlite-source";
import { expect, test } from "vitest";
import { build } from "../corpus/build.ts";
import type { Case } from "../corpus/case.ts";
import { CORPUS } from "../corpus/corpus.ts";

/** Stores a case's dump as the exporter does. */
async function store(entry: Case) {
  const db = build(entry);
  const output = new GzipWriter();
  const info = { database: "x", environment: "test", job: "manual-20261120-000000-000000", startedAt: "2026-11-20" };
  const run = dump(sqliteSource(db), { ...info, rules: NO_RULES, redactionKey: null, snapshotBytes: 0, output });
  let step = await run.next();
  while (!step.done) step = await run.next();
  db.close();
  const { digests, ...end } = output.end();
  if (digests === null) throw new Error("A writer that was not resumed has digests");
  const object = Buffer.concat(output.take());
  const manifest: Readable = {
    object: { key: "x.sql.gz", bytes: end.storedBytes, sha256: digests.stored, etag: "" },
    sql: { format: 1, bytes: end.rawBytes, sha256: digests.raw, body: { ...end.body, sha256: digests.body } },
    tables: [...step.value.tables],
    restartPoints: end.restartPoints.map(([stored, raw]) => [stored, raw]),
  };
  const stored = {
    async read(offset: number, length: number) {
      return object.subarray(offset, offset + length);
    },
  };
  const whole = await collect(readSql(manifest, { stored, start: 0, end: end.rawBytes }));
  expect(createHash("sha256").update(whole).digest("hex")).toBe(digests.raw);
  return { manifest, stored, whole };
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

test.each(CORPUS.map((entry) => [entry.name, entry] as const))(
  "%s: every table is read by range as the whole dump has it",
  async (_, entry) => {
    const { manifest, stored, whole } = await store(entry);
    for (const { name, start, end, rows } of manifest.tables) {
      const read = await collect(readTable(manifest, { stored, table: name }));
      expect(read.equals(whole.subarray(start, end)), name).toBe(true);
      expect(read.length > 0, name).toBe(rows > 0);
    }
  },
);

test("a table's range restores its rows without the rest of the dump, large rows too", async () => {
  const entry: Case = {
    name: "two-large",
    breaks: "a staging table that another table has made",
    sql: [
      "CREATE TABLE a (id INTEGER PRIMARY KEY, v BLOB)",
      "CREATE TABLE b (id INTEGER PRIMARY KEY, v BLOB)",
      "INSERT INTO a VALUES (1, zeroblob(300000)), (2, x'01')",
      "INSERT INTO b VALUES (1, zeroblob(400000)), (2, x'02')",
    ],
  };
  const { manifest, stored } = await store(entry);
  const text = (await collect(readTable(manifest, { stored, table: "b" }))).toString();
  const db = build({ ...entry, sql: entry.sql.slice(0, 2) });
  const target = { transaction: async (statements: readonly string[]) => db.exec(statements.join(";\n")) };
  await restore(target, [text], { transactionSize: Number.POSITIVE_INFINITY });
  expect(db.prepare("SELECT id, length(v) AS size FROM b").all()).toEqual([
    { id: 1, size: 400_000 },
    { id: 2, size: 1 },
  ]);
  expect(db.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()).toEqual({ tables: 2 });
  db.close();
});
