import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decodeArchiveManifest, decodeIndexPage, encodeArchive, lacking } from "./archive-index.ts";
import { decodeManifest, encodeManifest } from "./manifest.ts";
import { decodeReceipt, encodeReceipt } from "./receipt.ts";

const EXAMPLES = new URL("./examples/", import.meta.url);

/** Reads a document, and writes it again. */
const READERS: Readonly<Record<string, (text: string) => string>> = {
  manifest: (text) => withoutDigest(encodeManifest(decodeManifest(text))),
  archive: (text) => encodeArchive(decodeArchiveManifest(text)),
  "archive-index": (text) => encodeArchive(decodeIndexPage(text)),
  "verify-receipt": (text) => encodeReceipt(decodeReceipt(text)),
  "drill-receipt": (text) => encodeReceipt(decodeReceipt(text)),
};

/** A manifest's digest is of its text, and is no fact of the backup. */
function withoutDigest(text: string): string {
  const { digest: _, ...facts } = JSON.parse(text);
  return JSON.stringify(facts);
}

const STORED = readdirSync(EXAMPLES).flatMap((version) =>
  readdirSync(new URL(`${version}/`, EXAMPLES)).map((file) => `${version}/${file}`),
);

test.each(STORED)("%s, as it was once stored in a bucket, is read without losing a field", (file) => {
  const text = readFileSync(new URL(file, EXAMPLES), "utf8");
  const document = JSON.parse(text);
  const read = READERS[document.patina];
  if (read === undefined) throw new Error(`Cannot tell what ${file} is`);
  expect(JSON.parse(read(text))).toEqual(document);
});

test("every kind of document has an example", () => {
  const kinds = STORED.map((file) => JSON.parse(readFileSync(new URL(file, EXAMPLES), "utf8")).patina);
  expect([...new Set(kinds)].sort()).toEqual(Object.keys(READERS).sort());
});

test.each(STORED)(
  "fields that are added to %s later are passed over, and a format of the future is refused",
  (file) => {
    const document = JSON.parse(readFileSync(new URL(file, EXAMPLES), "utf8"));
    const read = READERS[document.patina];
    expect(JSON.parse(read?.(JSON.stringify({ ...document, later: 1 })) ?? "")).toEqual(document);
    expect(() => read?.(JSON.stringify({ ...document, format: 2 }))).toThrow("wrong at /format");
  },
);

test("lacking() names ten of the backups that an archive lacks, and counts the others", () => {
  const manifest = decodeArchiveManifest(readFileSync(new URL("v1/archive.json", EXAMPLES), "utf8"));
  expect(lacking(manifest)).toBe("The archive lacks 1: blog of 2026-11-20");
  expect(lacking({ ...manifest, missing: [] })).toBeNull();
  const missing = Array.from({ length: 12 }, (_, i) => ({ date: "2026-11-20", database: `db-${i}`, reason: "gone" }));
  expect(lacking({ ...manifest, missing })).toMatch(
    /^The archive lacks 12: db-0 of 2026-11-20, .*db-9 of 2026-11-20 and 2 more$/,
  );
});
