import { expect, test } from "vitest";
import { seeded } from "./random.ts";

test("seeded() gives the same numbers for the same seed, others for another", () => {
  const numbers = (seed: string) => {
    const random = seeded(seed);
    return Array.from({ length: 100 }, () => random.next());
  };
  expect(numbers("grove")).toEqual(numbers("grove"));
  expect(numbers("grove")).not.toEqual(numbers("groves"));
});

test("seeded() gives the numbers it gave when the samples were made", () => {
  const random = seeded("grove");
  expect([
    random.int(0, 999_999),
    random.int(0, 999_999),
    random.code(10),
    [...random.bytes(4)],
  ]).toMatchInlineSnapshot(`
    [
      10542,
      521064,
      "b5q47f6d94",
      [
        58,
        21,
        116,
        42,
      ],
    ]
  `);
});

test("int() reaches both ends and stays between them", () => {
  const random = seeded("int");
  const seen = new Set(Array.from({ length: 500 }, () => random.int(-2, 2)));
  expect([...seen].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
});

test("favour() picks the first items far more often than the last", () => {
  const random = seeded("favour");
  const items = [0, 1, 2, 3];
  const counts = items.map(() => 0);
  for (let round = 0; round < 4_000; round++) {
    const item = random.favour(items);
    counts[item] = (counts[item] ?? 0) + 1;
  }
  expect(counts[0]).toBeGreaterThan(4 * (counts[3] ?? 0));
});

test("pick() refuses an empty list", () => {
  expect(() => seeded("pick").pick([])).toThrow("Cannot pick an item: the list is empty");
});
