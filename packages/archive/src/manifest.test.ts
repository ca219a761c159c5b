import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeManifest, encodeManifest, faultOf, type Manifest } from "./manifest.ts";

const DIGEST = "0123456789abcdef".repeat(4);

const MANIFEST: Manifest = {
  patina: "manifest",
  format: 1,
  database: "shop",
  environment: "production",
  job: "nightly-2026-11-20",
  generation: 1,
  kind: "daily",
  date: "2026-11-20",
  startedAt: "2026-11-20T03:00:00.000Z",
  finishedAt: "2026-11-20T03:00:01.000Z",
  verifiedAt: "2026-11-20T03:00:01.000Z",
  mode: "snapshot",
  consistency: "snapshot",
  object: { key: "daily/2026-11-20/shop.sql.gz", bytes: 900, sha256: DIGEST, etag: "e" },
  sql: { format: 1, bytes: 3_000, sha256: DIGEST, statements: 12, body: { start: 10, end: 2_900, sha256: DIGEST } },
  rows: 3,
  tables: [{ name: 'ünï"code\n', rows: 3, digest: DIGEST, columns: [], start: 20, end: 2_000 }],
  restartPoints: [[10, 0]],
  warnings: ["Not everything is carried"],
  queries: 4,
  rowsRead: 3,
};

const OLD: Manifest = { ...MANIFEST, sql: { ...MANIFEST.sql } };
delete OLD.verifiedAt;
delete OLD.sql.statements;

test("a manifest is read as it was written, and is not at fault", () => {
  const text = encodeManifest(MANIFEST);
  expect(decodeManifest(text)).toEqual(MANIFEST);
  expect(faultOf(text, MANIFEST)).toBeNull();
});

test("a manifest of the time before digests is read, and is not at fault", () => {
  const text = `${JSON.stringify(OLD, null, 2)}\n`;
  expect(decodeManifest(text)).toEqual(OLD);
  expect(faultOf(text, OLD)).toBeNull();
});

test("a byte changed anywhere in a manifest makes it unreadable, or a fault", () => {
  const whole = Buffer.from(encodeManifest(MANIFEST));
  const isNoticed = (bytes: Buffer) => {
    try {
      return faultOf(bytes.toString(), decodeManifest(bytes.toString())) !== null;
    } catch {
      return true;
    }
  };
  for (let at = 0; at < whole.length; at += 1) {
    for (const change of [1, 2, 0x20]) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ change;
      // The line feed behind the last brace means nothing.
      expect(isNoticed(bytes) || at === whole.length - 1, `byte ${at} of ${whole.length}`).toBe(true);
    }
  }
  fc.assert(
    fc.property(fc.nat(whole.length - 2), (length) => {
      expect(isNoticed(whole.subarray(0, length))).toBe(true);
    }),
  );
});
