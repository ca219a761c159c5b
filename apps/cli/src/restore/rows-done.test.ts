import type { Manifest } from "@patina/archive/manifest";
import { expect, test } from "vitest";
import type { Content } from "./content.ts";
import { rowsDone } from "./rows-done.ts";

const MANIFEST = {
  tables: [
    { rows: 1_000, start: 100, end: 1_100 },
    { rows: 10, start: 2_000, end: 3_000 },
  ],
} as unknown as Manifest;

function content(change: Partial<Content> = {}): Content {
  return { manifest: MANIFEST, tables: null, rows: 1_010, bytes: 4_000, ...change } as Content;
}

test.each([
  [0, "0 of 1,010 rows"],
  [600, "500 of 1,010 rows"],
  [1_500, "1,000 of 1,010 rows"],
  [2_500, "1,005 of 1,010 rows"],
  [9_000, "1,010 of 1,010 rows"],
])("at byte %i it is %s: those of the tables before, and of the one under way its share", (done, words) => {
  expect(rowsDone(content(), done)).toBe(words);
});

test("of some tables it is their share; where nobody knows how many rows there are, nothing is said", () => {
  expect(rowsDone(content({ tables: ["a"], rows: 100, bytes: 1_000 }), 250)).toBe("25 of 100 rows");
  expect(rowsDone(content({ rows: null }), 250)).toBeUndefined();
});
