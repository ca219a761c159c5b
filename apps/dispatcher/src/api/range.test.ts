import fc from "fast-check";
import { expect, test } from "vitest";
import { conditionOf, wantedOf } from "./range.ts";

const ETAG = '"abc"';
const of = (range: string | undefined, { size = 100, ifRange }: { size?: number; ifRange?: string } = {}) =>
  wantedOf({ range, ifRange }, { size, etag: ETAG });

test.each([
  ["bytes=0-0", { is: "part", offset: 0, length: 1 }],
  ["bytes=10-19", { is: "part", offset: 10, length: 10 }],
  ["bytes=90-", { is: "part", offset: 90, length: 10 }],
  ["bytes=90-5000", { is: "part", offset: 90, length: 10 }],
  ["bytes=-10", { is: "part", offset: 90, length: 10 }],
  ["bytes=-5000", { is: "part", offset: 0, length: 100 }],
  ["bytes=100-", { is: "outside" }],
  ["bytes=5000-", { is: "outside" }],
  ["bytes=-0", { is: "outside" }],
])("%s of 100 bytes", (range, wanted) => {
  expect(of(range)).toEqual(wanted);
});

test.each([
  [undefined],
  [""],
  ["bytes="],
  ["bytes=-"],
  ["bytes=9-3"],
  ["bytes=0-1,5-9"],
  ["bytes=a-b"],
  ["lines=1-2"],
  ["bytes=1-2 "],
  [`bytes=${"9".repeat(400)}-`],
])("Range %j is not understood, and the whole is sent", (range) => {
  expect(of(range)).toEqual({ is: "whole" });
});

test("a part lies inside the whole, whatever is asked for", () => {
  const place = fc.option(fc.nat(300), { nil: "" });
  fc.assert(
    fc.property(place, place, fc.nat(200), (first, last, size) => {
      const wanted = of(`bytes=${first}-${last}`, { size });
      if (wanted.is !== "part") return;
      expect(wanted.length).toBeGreaterThan(0);
      expect(wanted.offset + wanted.length).toBeLessThanOrEqual(size);
    }),
  );
});

test("a range of something else than what there is now gets the whole", () => {
  expect(of("bytes=1-2", { ifRange: ETAG })).toMatchObject({ is: "part" });
  for (const ifRange of ['"other"', `W/${ETAG}`, "Fri, 20 Nov 2026 03:00:00 GMT", ""]) {
    expect(of("bytes=1-2", { ifRange })).toEqual({ is: "whole" });
  }
});

const onlyIf = (headers: { ifMatch?: string; ifNoneMatch?: string }) =>
  conditionOf({ ifMatch: undefined, ifNoneMatch: undefined, ...headers }, ETAG);

test("If-None-Match names one tag, several, weak ones, or any", () => {
  for (const ifNoneMatch of [ETAG, `"x", ${ETAG}`, `W/${ETAG}`, "*", `"x",W/${ETAG} `]) {
    expect(onlyIf({ ifNoneMatch }), ifNoneMatch).toBe("known");
  }
  for (const ifNoneMatch of ["", '"x"', "abc", '"abcd"']) expect(onlyIf({ ifNoneMatch }), ifNoneMatch).toBe("wanted");
});

test("If-Match names one tag, several or any, and a weak one matches nothing", () => {
  for (const ifMatch of [ETAG, `"x", ${ETAG}`, "*", `"x",${ETAG} `])
    expect(onlyIf({ ifMatch }), ifMatch).toBe("wanted");
  for (const ifMatch of ["", '"x"', "abc", `W/${ETAG}`]) expect(onlyIf({ ifMatch }), ifMatch).toBe("changed");
});

test("If-Match goes before If-None-Match, and without either everything is wanted", () => {
  expect(onlyIf({ ifMatch: '"x"', ifNoneMatch: ETAG })).toBe("changed");
  expect(onlyIf({ ifMatch: ETAG, ifNoneMatch: ETAG })).toBe("known");
  expect(onlyIf({})).toBe("wanted");
});
