import { createHash } from "node:crypto";
import { gunzipSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { gunzipSync as fflateGunzip } from "fflate";
import { expect, test } from "vitest";
import { GzipWriter } from "./gzip-writer.ts";

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Writes statements, the first as header and the last as footer. */
function store(statements: readonly string[]) {
  const writer = new GzipWriter();
  for (const [i, statement] of statements.entries()) {
    if (i === 1) writer.beginBody();
    if (i === statements.length - 1) writer.endBody();
    writer.write(Buffer.from(statement));
    writer.endStatement();
  }
  const summary = writer.end();
  return { summary, object: Buffer.concat(writer.take()) };
}

const long = Array.from({ length: 60 }, (_, i) => `INSERT ${i} ${String(i * 7919).repeat(20_000)};\n`);

test("GzipWriter writes one gzip member that others read", () => {
  const { object } = store(long);
  expect(gunzipSync(object).toString()).toBe(long.join(""));
  expect(Buffer.from(fflateGunzip(object)).toString()).toBe(long.join(""));
});

test("GzipWriter states sizes and digests of what it wrote", () => {
  const { summary, object } = store(long);
  const raw = Buffer.from(long.join(""));
  const body = Buffer.from(long.slice(1, -1).join(""));
  expect(summary).toMatchObject({
    rawBytes: raw.length,
    storedBytes: object.length,
    digests: { raw: sha256(raw), stored: sha256(object), body: sha256(body) },
  });
  expect(raw.subarray(summary.body.start, summary.body.end).equals(body)).toBe(true);
});

test("GzipWriter can be read from every restart point without what comes before", () => {
  const { summary, object } = store(long);
  const raw = Buffer.from(long.join(""));
  expect(summary.restartPoints.length).toBeGreaterThan(3);
  for (const [i, [stored, at]] of summary.restartPoints.entries()) {
    const [storedEnd, rawEnd] = summary.restartPoints[i + 1] ?? [object.length - 8, raw.length];
    const read = inflateRawSync(object.subarray(stored, storedEnd), { finishFlush: 2 });
    expect(read.equals(raw.subarray(at, rawEnd)), `point ${i}`).toBe(true);
    expect(raw.subarray(0, at).toString().endsWith(";\n") || at === 0).toBe(true);
  }
});

test("GzipWriter gives the same object however the bytes were handed over", () => {
  const text = long.join("");
  const cut = fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 20 });
  const { object } = store(["h;\n", text, "f;\n"]);
  fc.assert(
    fc.property(cut, (sizes) => {
      const writer = new GzipWriter();
      writer.write(Buffer.from("h;\n"));
      writer.endStatement();
      writer.beginBody();
      for (let at = 0, i = 0; at < text.length; i += 1) {
        const size = sizes[i % sizes.length] ?? 1;
        writer.write(Buffer.from(text.slice(at, at + size)));
        at += size;
      }
      writer.endStatement();
      writer.endBody();
      writer.write(Buffer.from("f;\n"));
      writer.endStatement();
      writer.end();
      expect(Buffer.concat(writer.take()).equals(object)).toBe(true);
    }),
    { numRuns: 10 },
  );
});

test("GzipWriter writes an empty dump as a valid object", () => {
  const writer = new GzipWriter();
  const summary = writer.end();
  expect(gunzipSync(Buffer.concat(writer.take())).length).toBe(0);
  expect(summary.rawBytes).toBe(0);
});

test("GzipWriter goes on in another invocation with the same object, without the digests", () => {
  const whole = store(long);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: long.length - 1 }), (stop) => {
      let writer = new GzipWriter();
      const parts: Uint8Array[] = [];
      for (const [i, statement] of long.entries()) {
        if (i === stop) {
          parts.push(...writer.take());
          writer = new GzipWriter({ state: structuredClone(writer.state) });
        }
        if (i === 1) writer.beginBody();
        if (i === long.length - 1) writer.endBody();
        writer.write(Buffer.from(statement));
        writer.endStatement();
      }
      const summary = writer.end();
      expect(Buffer.concat([...parts, ...writer.take()]).equals(whole.object)).toBe(true);
      expect(summary).toEqual({ ...whole.summary, digests: null });
    }),
    { numRuns: 10 },
  );
});
