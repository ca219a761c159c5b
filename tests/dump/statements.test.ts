import type { DatabaseSync } from "node:sqlite";
import { GzipWriter } from "@patina/archive/gzip-writer";
import { readBack } from "@patina/archive/read-back";
import { NO_RULES } from "@patina/core/rules";
import { dump } from "@patina/dump/dump";
import { StatementCounter } from "@patina/dump/statement-counter";
import fc from "fast-check";
import { expect, test } from "vitest";
import { build } from "../corpus/build.ts";
import { CORPUS } from "../corpus/corpus.ts";
import { databases, makeDatabase } from "../property/databases.ts";
import { asD1 } from "./engines.ts";

/** What the dumper says it has written, against what SQLite's own rules find in the stored bytes. */
async function expectCounted(database: DatabaseSync, snapshotBytes: number): Promise<void> {
  const output = new GzipWriter();
  const info = { database: "x", environment: "test", job: "manual-20261120-000000-000000", startedAt: "" };
  const run = dump(asD1(database), { ...info, rules: NO_RULES, redactionKey: null, snapshotBytes, output });
  for (let step = await run.next(); !step.done; step = await run.next());
  const { statements, ...object } = output.end();
  const counter = new StatementCounter();
  async function* stored() {
    yield* output.take();
  }
  const { fault } = await readBack(stored(), { object: { key: "k", ...object }, body: object.body, sql: counter });
  expect(fault).toBeNull();
  expect(counter.count).toBe(statements);
}

test.each([1e9, 0])(
  "the dump of each case has as many statements as it says (snapshots up to %i bytes)",
  async (size) => {
    for (const entry of CORPUS) {
      const database = build(entry);
      await expectCounted(database, size).catch((cause: unknown) => {
        throw new Error(`Of case ${entry.name}`, { cause });
      });
      database.close();
    }
  },
);

test("the dump of a random database has as many statements as it says", async () => {
  await fc.assert(
    fc.asyncProperty(databases, fc.constantFrom(1e9, 0), async (steps, size) => {
      const database = makeDatabase(steps);
      await expectCounted(database, size);
      database.close();
    }),
    { numRuns: 60, seed: 20261120 },
  );
});
