import { definitionsDigest } from "@patina/archive/definitions-digest";
import { restoreCheck } from "@patina/archiver/drill-restore";
import { newScratch, partsOf, proveParts } from "@patina/archiver/testing-drill";
import { type Dumped, dumpOf } from "@patina/archiver/testing-dump";
import { type Verdict, verdictOf } from "@patina/core/drill";
import { expect, test } from "vitest";
import { CORPUS } from "../corpus/corpus.ts";

/** Every case of the corpus through a scratch database: restored in one transaction, and part after part. */

const SHOP = { kind: "daily", date: "2026-11-20", database: "shop" } as const;

/** What breaks its own constraints, or cannot be inserted where foreign keys are enforced. All else passes. */
const EXPECTED: Readonly<Record<string, Verdict>> = {
  "check-violations": "flawed",
  "check-that-fails": "flawed",
  "check-violated-through-like": "flawed",
  "check-of-the-moment": "flawed",
  "generated-that-fails": "flawed",
  "foreign-key-violations": "flawed",
  "foreign-key-to-dropped-table": "unprovable",
  "foreign-key-mismatch": "unprovable",
};

/** In parts, a row too long for one statement cannot be held back until its parent is there. */
const EXPECTED_IN_PARTS = { ...EXPECTED, "long-rows-with-foreign-keys": "unprovable" };

/** Parts that a dump is cut into. */
const PARTS = 6;

const scratch = newScratch();

async function drilled(dumped: Dumped, { isWhole }: { isWhole: boolean }) {
  const { bytes, manifest } = dumped;
  const stored = { read: async (at: number, length: number) => bytes.subarray(at, at + length) };
  const definitions = await definitionsDigest(manifest, stored);
  const parts = partsOf(dumped, PARTS);
  const progress = await proveParts(scratch, { parts, dumped, definitions, isWhole });
  const checks = [restoreCheck(progress, manifest), ...progress.checks];
  return { verdict: verdictOf(checks), schema: progress.schema, checks };
}

test.each(CORPUS.map((entry) => [entry.name, entry] as const))(
  "%s: a drill of it says what is true",
  async (name, entry) => {
    const dumped = await dumpOf(SHOP, entry.sql);
    for (const isWhole of [true, false]) {
      const { verdict, schema, checks } = await drilled(dumped, { isWhole });
      const wanted: Record<string, string> = isWhole ? EXPECTED : EXPECTED_IN_PARTS;
      expect(verdict, JSON.stringify(checks)).toBe(wanted[name] ?? "passed");
      expect(schema).toBe(dumped.manifest.schema?.sha256);
    }
  },
);
