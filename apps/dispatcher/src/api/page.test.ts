import fc from "fast-check";
import * as v from "valibot";
import { expect, test } from "vitest";
import { pageOf, pageSize, paging } from "./page.ts";

const Query = v.strictObject(paging(v.strictTuple([v.string(), v.number()])));

test("pages that follow each other's cursors show every entry once, in order", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.string(), fc.integer()), { selector: String }),
      fc.integer({ min: 1, max: 9 }),
      (all, size) => {
        const seen: (readonly [string, number])[] = [];
        let cursor: string | null = null;
        do {
          const asked: v.InferOutput<typeof Query> = v.parse(Query, {
            limit: String(size),
            ...(cursor === null ? {} : { cursor }),
          });
          const { limit, read } = pageSize(asked.limit);
          const place = asked.cursor;
          const start = place === undefined ? 0 : all.findIndex(([a, b]) => a === place[0] && b === place[1]) + 1;
          const page: ReturnType<typeof pageOf<readonly [string, number]>> = pageOf(all.slice(start, start + read), {
            limit,
            placeOf: (last) => last,
          });
          expect(page.entries.length).toBeLessThanOrEqual(size);
          seen.push(...page.entries);
          cursor = page.next_cursor;
        } while (cursor !== null);
        expect(seen).toEqual(all);
      },
    ),
  );
});

test("a cursor that nobody was given is refused", () => {
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  for (const cursor of [
    "",
    "%",
    "AAAA",
    encoded("x"),
    encoded([]),
    encoded(["a"]),
    encoded(["a", "b"]),
    encoded(["a", 1, 2]),
  ]) {
    expect(v.safeParse(Query, { cursor }).success, cursor).toBe(false);
  }
  expect(v.parse(Query, { cursor: encoded(["a", 1]) }).cursor).toEqual(["a", 1]);
});

test("a limit is a whole number from 1 to 100", () => {
  for (const limit of ["0", "101", "-1", "1.5", "1e1", "", " 1", "ten"]) {
    expect(v.safeParse(Query, { limit }).success, limit).toBe(false);
  }
  expect(v.parse(Query, { limit: "100" }).limit).toBe(100);
});
