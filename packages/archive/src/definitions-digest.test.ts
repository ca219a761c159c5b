import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { definitionsDigest } from "./definitions-digest.ts";
import { GzipWriter } from "./gzip-writer.ts";

/** A stored dump of statements, of which some belong to tables. */
function stored(statements: readonly { text: string; table: string | null }[]) {
  const gzip = new GzipWriter();
  const write = (text: string) => {
    gzip.write(Buffer.from(text));
    gzip.endStatement();
  };
  write("-- header\n");
  gzip.beginBody();
  const tables = new Map<string, { start: number; end: number }>();
  for (const { text, table } of statements) {
    const start = gzip.position;
    write(text);
    if (table !== null) tables.set(table, { start: tables.get(table)?.start ?? start, end: gzip.position });
  }
  gzip.endBody();
  write("-- footer\n");
  const { rawBytes, storedBytes, body, restartPoints } = gzip.end();
  const bytes = Buffer.concat(gzip.take());
  const digests = { sha256: "", etag: "", key: "key" };
  const manifest = {
    object: { ...digests, bytes: storedBytes },
    sql: { format: 1 as const, bytes: rawBytes, sha256: "", body: { ...body, sha256: "" } },
    tables: [...tables].map(([name, range]) => ({ name, ...range, rows: 0, digest: "", columns: [] })),
    restartPoints: restartPoints.map(([at, raw]): [number, number] => [at, raw]),
  };
  return {
    manifest,
    bytes: { read: async (offset: number, length: number) => bytes.subarray(offset, offset + length) },
  };
}

test("definitionsDigest() covers every byte of the body that belongs to no table, and no other", async () => {
  const piece = fc.record({ size: fc.constantFrom(10, 90_000), isRows: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
      const statements = pieces.map(({ size, isRows }, i) => ({
        text: `${i} ${"x".repeat(size)};\n`,
        table: isRows ? `t${i}` : null,
      }));
      const { manifest, bytes } = stored(statements);
      const outside = statements.filter(({ table }) => table === null).map(({ text }) => text);
      const wanted = createHash("sha256").update(outside.join("")).digest("hex");
      expect(await definitionsDigest(manifest, bytes)).toBe(wanted);
    }),
    { numRuns: 30 },
  );
});

test("tables that cannot stand where the manifest says are damage, and named", async () => {
  const { manifest, bytes } = stored([
    { text: "a;\n", table: "a" },
    { text: "b;\n", table: "b" },
  ]);
  const [a, b] = manifest.tables;
  if (a === undefined || b === undefined) throw new Error("There are no tables");
  const digest = (tables: typeof manifest.tables) => definitionsDigest({ ...manifest, tables }, bytes);
  await expect(digest([a, { ...b, start: a.start + 1 }])).rejects.toThrow('table "b" cannot stand where');
  await expect(digest([{ ...a, end: a.start - 1 }, b])).rejects.toMatchObject({ code: "backup_damaged" });
  await expect(digest([a, { ...b, end: manifest.sql.body.end + 1 }])).rejects.toThrow("its body cannot stand where");
});
