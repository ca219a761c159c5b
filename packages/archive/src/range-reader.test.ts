import fc from "fast-check";
import { expect, test } from "vitest";
import { GzipWriter } from "./gzip-writer.ts";
import { type Readable, readSql, readTable, type StoredBytes } from "./range-reader.ts";

const MIB = 1_048_576;

/** Rows that compress a little, as those of a database do. */
function statement(i: number): string {
  return `INSERT INTO "t" VALUES (${i},'${Buffer.from(`${i * 7_919}`.repeat(7_000)).toString("base64")}');\n`;
}

/** An object of some eight segments, with a table in the middle of it. */
function sample() {
  const writer = new GzipWriter();
  const statements = ["-- header\n", ...Array.from({ length: 150 }, (_, i) => statement(i)), "-- end\n"];
  const starts: number[] = [];
  for (const [i, text] of statements.entries()) {
    starts.push(writer.position);
    if (i === 1) writer.beginBody();
    writer.write(Buffer.from(text));
    writer.endStatement();
  }
  writer.endBody();
  const { rawBytes, storedBytes, body, restartPoints, digests } = writer.end();
  if (digests === null) throw new Error("A writer that was not resumed has digests");
  const manifest: Readable = {
    object: { key: "daily/2026-11-20/shop.sql.gz", bytes: storedBytes, sha256: digests.stored, etag: "e" },
    sql: { format: 1, bytes: rawBytes, sha256: digests.raw, body: { ...body, sha256: digests.body } },
    tables: [
      { name: "t", rows: 60, digest: "0".repeat(64), columns: [], start: starts[40] ?? 0, end: starts[100] ?? 0 },
    ],
    restartPoints: restartPoints.map(([at, raw]) => [at, raw]),
  };
  return { manifest, object: Buffer.concat(writer.take()), sql: Buffer.from(statements.join("")) };
}

const { manifest, object, sql } = sample();

/** Bytes in memory that remember which of them were read. */
function bytesOf(content: Uint8Array): StoredBytes & { readonly reads: { offset: number; length: number }[] } {
  const reads: { offset: number; length: number }[] = [];
  return {
    reads,
    async read(offset, length) {
      reads.push({ offset, length });
      return content.subarray(offset, offset + length);
    },
  };
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

test("readSql() gives any range of the SQL as the whole has it", async () => {
  const offset = fc.integer({ min: 0, max: sql.length });
  // Ends of segments and of the whole are where mistakes are made.
  const edge = fc
    .tuple(
      fc.constantFrom(...manifest.restartPoints.map(([, raw]) => raw), sql.length),
      fc.integer({ min: -2, max: 2 }),
    )
    .map(([at, by]) => Math.min(sql.length, Math.max(0, at + by)));
  const place = fc.oneof(offset, edge);
  await fc.assert(
    fc.asyncProperty(place, place, async (one, other) => {
      const [start, end] = [Math.min(one, other), Math.max(one, other)];
      const read = await collect(readSql(manifest, { stored: bytesOf(object), start, end }));
      expect(read.equals(sql.subarray(start, end))).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test("readSql() reads nothing before the last restart point, and nothing behind the segment it ends in", async () => {
  expect(manifest.restartPoints.length).toBeGreaterThan(5);
  const [, second, third, fourth] = manifest.restartPoints;
  if (second === undefined || third === undefined || fourth === undefined) throw new Error("The sample is too small");
  const stored = bytesOf(object);
  const read = await collect(readSql(manifest, { stored, start: second[1] + 5, end: third[1] + 5 }));
  expect(read.length).toBe(third[1] - second[1]);
  expect(stored.reads).toEqual([{ offset: second[0], length: fourth[0] - second[0] }]);
  const none = bytesOf(object);
  await collect(readSql(manifest, { stored: none, start: 7, end: 7 }));
  expect(none.reads).toEqual([]);
});

test("readSql() hands on a whole object without ever holding much more than a MiB of it", async () => {
  const stored = bytesOf(object);
  let largest = 0;
  for await (const piece of readSql(manifest, { stored, start: 0, end: sql.length })) {
    largest = Math.max(largest, piece.length);
  }
  expect(largest).toBeLessThan(MIB + 200_000);
  expect(Math.max(...stored.reads.map(({ length }) => length))).toBeLessThan(2 * MIB);
});

test("readTable() gives the statements of one table", async () => {
  const text = (await collect(readTable(manifest, { stored: bytesOf(object), table: "t" }))).toString();
  expect(text).toBe(Array.from({ length: 60 }, (_, i) => statement(i + 39)).join(""));
  expect(() => readTable(manifest, { stored: bytesOf(object), table: "T" })).toThrow('Cannot read table "T"');
});

test("readSql() refuses a range that the SQL does not have", async () => {
  for (const [start, end] of [
    [-1, 5],
    [6, 5],
    [0, sql.length + 1],
    [Number.NaN, 5],
  ] as const) {
    const reading = collect(readSql(manifest, { stored: bytesOf(object), start, end }));
    await expect(reading, `${start} to ${end}`).rejects.toMatchObject({ code: "invalid_request" });
  }
});

test("readSql() says that an object is damaged, by its key, instead of giving bytes that are not there", async () => {
  const all = { start: 0, end: sql.length };
  const reading = (content: Uint8Array, change: Partial<Readable> = {}) =>
    collect(readSql({ ...manifest, ...change }, { stored: bytesOf(content), ...all }));
  const message = expect.stringContaining('Cannot read "daily/2026-11-20/shop.sql.gz": ');
  const refusal = { code: "backup_damaged", message };
  await expect(reading(object.subarray(0, -100))).rejects.toMatchObject(refusal);
  await expect(reading(Buffer.alloc(object.length))).rejects.toMatchObject(refusal);
  await expect(reading(object, { restartPoints: [] })).rejects.toMatchObject(refusal);
  await expect(reading(object, { restartPoints: manifest.restartPoints.toReversed() })).rejects.toMatchObject(refusal);
  const [first, , third] = manifest.restartPoints;
  if (first === undefined || third === undefined) throw new Error("The sample is too small");
  await expect(reading(object, { restartPoints: [first, [third[0], third[1] + 1]] })).rejects.toMatchObject(refusal);
});
