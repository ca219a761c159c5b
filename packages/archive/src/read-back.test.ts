import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { GzipWriter } from "./gzip-writer.ts";
import { readBack } from "./read-back.ts";
import type { Segmented } from "./segments.ts";

const MIB = 1_048_576;

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function* inChunks(bytes: Uint8Array, size: number) {
  // One array for all pieces, as a reader of a Worker's stream has it: nothing may rely on an earlier piece.
  const piece = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const length = Math.min(size, bytes.length - at);
    piece.set(bytes.subarray(at, at + length));
    yield piece.subarray(0, length);
    piece.fill(0);
  }
}

/** An object as the exporter stores it. */
function stored(statements: readonly string[]): { object: Buffer; raw: Buffer; segmented: Segmented } {
  const writer = new GzipWriter();
  for (const text of statements) {
    writer.write(Buffer.from(text));
    writer.endStatement();
  }
  const { rawBytes, storedBytes, restartPoints } = writer.end();
  const object = Buffer.concat(writer.take());
  return {
    object,
    raw: Buffer.from(statements.join("")),
    segmented: { key: "k", rawBytes, storedBytes, restartPoints },
  };
}

const long = stored(
  Array.from(
    { length: 60 },
    (_, i) => `INSERT ${i} ${Buffer.from(`${i * 7_919}`.repeat(9_000)).toString("base64")};\n`,
  ),
);
const short = stored(["BEGIN;\n", "INSERT INTO t VALUES ('one'),('two');\n", "COMMIT;\n"]);

test("readBack() computes the digests of object, SQL and body, however the object arrives", async () => {
  const { object, raw, segmented } = long;
  expect(segmented.restartPoints.length).toBeGreaterThan(3);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1_000, max: 2 * MIB }),
      fc.nat(raw.length),
      fc.nat(raw.length),
      async (size, one, other) => {
        const body = { start: Math.min(one, other), end: Math.max(one, other) };
        const sql = createHash("sha256");
        const read = await readBack(inChunks(object, size), {
          object: segmented,
          body,
          sql: { write: (bytes) => sql.update(bytes) },
        });
        expect(read).toEqual({
          digests: { stored: sha256(object), raw: sha256(raw), body: sha256(raw.subarray(body.start, body.end)) },
          storedBytes: object.length,
          rawBytes: raw.length,
          fault: null,
        });
        expect(sql.digest("hex")).toBe(read.digests.raw);
      },
    ),
    { numRuns: 20 },
  );
});

test("readBack() takes an object whose last segment holds nothing, because a statement ended the one before", async () => {
  const { object, segmented } = stored([`-- ${"x".repeat(MIB)}\n`]);
  expect(segmented.restartPoints.map(([, raw]) => raw)).toEqual([0, MIB + 4]);
  const read = await readBack(inChunks(object, 100), { object: segmented, body: { start: 0, end: 0 } });
  expect(read).toMatchObject({ fault: null, rawBytes: MIB + 4, storedBytes: object.length });
});

test("a bit flipped anywhere in an object shows in its digest, and never lets other SQL pass for whole", async () => {
  const { object, raw, segmented } = short;
  const whole = sha256(object);
  for (let at = 0; at < object.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const flipped = Buffer.from(object);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      const read = await readBack(inChunks(flipped, 50), { object: segmented, body: { start: 0, end: 0 } });
      expect(read.digests.stored, `byte ${at}`).not.toBe(whole);
      // Some bits mean nothing: most of the header, and those that fill up the last byte of the data.
      expect(read.fault !== null || read.digests.raw === sha256(raw), `byte ${at}, bit ${bit}`).toBe(true);
    }
  }
});

test("an object that is cut off anywhere, or goes on behind its end, is not whole", async () => {
  const { object, segmented } = short;
  for (let length = 0; length < object.length; length += 1) {
    const cut = object.subarray(0, length);
    const read = await readBack(inChunks(cut, 7), { object: segmented, body: { start: 0, end: 0 } });
    expect(read, `${length} bytes`).toMatchObject({ storedBytes: length, fault: expect.anything() });
  }
  const more = Buffer.concat([object, Buffer.of(0)]);
  const read = await readBack(inChunks(more, 7), { object: segmented, body: { start: 0, end: 0 } });
  expect(read.storedBytes).toBe(object.length + 1);
});

test("a fault says which bytes of the SQL it concerns", async () => {
  const { object, segmented } = long;
  const [, second = [0, 0], third = [0, 0]] = segmented.restartPoints;
  const damaged = Buffer.from(object).fill(0xff, second[0] + 500, second[0] + 510);
  const { fault, rawBytes } = await readBack(inChunks(damaged, MIB), { object: segmented, body: { start: 0, end: 0 } });
  expect(fault).toMatchObject({ start: second[1], end: third[1] });
  expect(rawBytes).toBe(second[1]);
});

test.each<[string, Segmented["restartPoints"]]>([
  ["are missing", []],
  ["go back", [...long.segmented.restartPoints].reverse()],
  [
    "lie beside where the object was cut",
    long.segmented.restartPoints.map(([at, raw], i) => [at + (i === 2 ? 1 : 0), raw]),
  ],
  ["name another place of the SQL", long.segmented.restartPoints.map(([at, raw], i) => [at, raw + (i === 2 ? 1 : 0)])],
])("restart points that %s are a fault", async (_, restartPoints) => {
  const object = { ...long.segmented, restartPoints };
  const read = await readBack(inChunks(long.object, MIB), { object, body: { start: 0, end: 0 } });
  expect(read.fault).not.toBeNull();
  expect(read.digests.stored).toBe(sha256(long.object));
});

test("readBack() hands on what the stream fails with: the object is not to blame", async () => {
  async function* failing() {
    yield long.object.slice(0, 100);
    throw new Error("Network connection lost");
  }
  const reading = readBack(failing(), { object: long.segmented, body: { start: 0, end: 1 } });
  await expect(reading).rejects.toThrow("Network connection lost");
});
