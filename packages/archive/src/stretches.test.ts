import { expect, test } from "vitest";
import { GzipWriter } from "./gzip-writer.ts";
import type { Manifest } from "./manifest.ts";
import { placeIn, stretchesOf, tableAt } from "./stretches.ts";

const STATEMENTS = Array.from(
  { length: 80 },
  (_, i) => `INSERT ${i} '${"\ufeffü".repeat(1)}${String(i).repeat(30_000)}';\n`,
);
const SQL = STATEMENTS.join("");

/** A stored dump of which table a is the first half and table b the second. */
function stored() {
  const writer = new GzipWriter();
  writer.beginBody();
  for (const statement of STATEMENTS) {
    writer.write(Buffer.from(statement));
    writer.endStatement();
  }
  writer.endBody();
  const summary = writer.end();
  const object = Buffer.concat(writer.take());
  const half = Buffer.byteLength(STATEMENTS.slice(0, 40).join(""));
  const manifest = {
    object: { key: "daily/2026-11-20/shop.sql.gz", bytes: object.length },
    sql: { bytes: summary.rawBytes },
    tables: [
      { name: "a", start: 10, end: half },
      { name: "b", start: half, end: summary.rawBytes },
    ],
    restartPoints: summary.restartPoints,
  } as unknown as Manifest;
  const read = async (offset: number, length: number) => object.subarray(offset, offset + length);
  return { manifest, object, stored: { read } };
}

test("stretchesOf() gives the whole text, cut where statements end", async () => {
  const { manifest, stored: bytes } = stored();
  let text = "";
  for await (const stretch of stretchesOf(manifest, { stored: bytes, start: 0 })) {
    expect(stretch.text.endsWith(";\n")).toBe(true);
    expect(stretch.start).toBe(Buffer.byteLength(text));
    text += stretch.text;
    expect(stretch.end).toBe(Buffer.byteLength(text));
  }
  expect(text).toBe(SQL);
  expect(manifest.restartPoints.length).toBeGreaterThan(2);
});

test("stretchesOf() goes on from any stretch's end", async () => {
  const { manifest, stored: bytes } = stored();
  const from = manifest.restartPoints[1]?.[1] ?? 0;
  let text = "";
  for await (const stretch of stretchesOf(manifest, { stored: bytes, start: from })) text += stretch.text;
  expect(text).toBe(Buffer.from(SQL).subarray(from).toString());
});

test("stretchesOf() names the table in which an object is damaged", async () => {
  const { manifest, object, stored: bytes } = stored();
  const [, second] = manifest.restartPoints.at(-1) ?? [0, 0];
  expect(tableAt(manifest, second)).toBe("b");
  object.fill(0xff, (manifest.restartPoints.at(-1)?.[0] ?? 0) + 1, object.length - 8);
  const run = async () => {
    for await (const _ of stretchesOf(manifest, { stored: bytes, start: 0 }));
  };
  await expect(run()).rejects.toMatchObject({
    code: "backup_damaged",
    message: expect.stringContaining('The damage lies in table "b"'),
  });
});

test("placeIn() and tableAt() know what stands where", () => {
  const { manifest } = stored();
  const [a, b] = manifest.tables;
  expect(placeIn(manifest, { start: 0, end: 5 })).toBe("the definitions");
  expect(placeIn(manifest, { start: 0, end: a?.end ?? 0 })).toBe('table "a"');
  expect(placeIn(manifest, { start: 0, end: b?.end ?? 0 })).toBe('one of the tables "a", "b"');
  expect(tableAt(manifest, 0)).toBeNull();
  expect(tableAt(manifest, a?.start ?? 0)).toBe("a");
  expect(tableAt(manifest, b?.end ?? 0)).toBeNull();
});
