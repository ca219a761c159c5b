import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { D1Form } from "./d1-form.ts";

const HEAD = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n";
const FOOT = "COMMIT;\nPRAGMA foreign_keys=ON;\n-- end\n";

/** Feeds the text in pieces that end at the given places. */
function convert(sql: Buffer, { bodyEnd, ends }: { bodyEnd: number; ends: readonly number[] }): Buffer {
  const form = new D1Form(bodyEnd);
  const places = [0, ...ends.filter((end) => end <= sql.length).sort((a, b) => a - b), sql.length];
  return Buffer.concat(places.flatMap((end, i) => (i === 0 ? [] : form.take(sql.subarray(places[i - 1], end)))));
}

test("the two lines are left out and every other byte is kept, wherever the pieces end", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.array(fc.nat(200)), (body, ends) => {
      const sql = Buffer.from(`${HEAD}${body}${FOOT}`);
      const bodyEnd = sql.length - Buffer.byteLength(FOOT);
      const wanted = Buffer.from(`${HEAD.slice(0, 25)}${body}${FOOT.slice(8)}`);
      expect(convert(sql, { bodyEnd, ends })).toEqual(wanted);
    }),
  );
});

test("a dump whose transaction is elsewhere is refused", () => {
  const sql = Buffer.from(`${HEAD}x${FOOT}`);
  expect(() => convert(sql, { bodyEnd: HEAD.length, ends: [] })).toThrow("its transaction is not where");
});
