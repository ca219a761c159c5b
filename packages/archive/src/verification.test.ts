import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { GzipWriter } from "./gzip-writer.ts";
import type { Manifest } from "./manifest.ts";
import { damageOf } from "./verification.ts";

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Every line of these dumps is one statement. */
class LineCounter {
  count = 0;
  write(bytes: Uint8Array): void {
    this.count += bytes.filter((byte) => byte === 0x0a).length;
  }
}

function backup(values: string): { manifest: Manifest; object: Buffer } {
  const lines = ["BEGIN;\n", "CREATE TABLE t(v);\n", `INSERT INTO t VALUES (${values});\n`, "COMMIT;\n"];
  const writer = new GzipWriter();
  for (const [i, line] of lines.entries()) {
    if (i === 1) writer.beginBody();
    if (i === 3) writer.endBody();
    writer.write(Buffer.from(line));
    writer.endStatement();
  }
  const { rawBytes, storedBytes, body, statements, restartPoints, digests } = writer.end();
  const object = Buffer.concat(writer.take());
  const start = lines.slice(0, 2).join("").length;
  return {
    object,
    manifest: {
      patina: "manifest",
      format: 1,
      database: "shop",
      environment: "test",
      job: "nightly-2026-11-20",
      generation: 1,
      kind: "daily",
      date: "2026-11-20",
      startedAt: "2026-11-20T03:00:00.000Z",
      finishedAt: "2026-11-20T03:00:01.000Z",
      mode: "snapshot",
      consistency: "snapshot",
      object: { key: "daily/2026-11-20/shop.sql.gz", bytes: storedBytes, sha256: digests?.stored ?? "", etag: "e" },
      sql: {
        format: 1,
        bytes: rawBytes,
        sha256: digests?.raw ?? "",
        statements,
        body: { ...body, sha256: digests?.body ?? "" },
      },
      rows: 1,
      tables: [{ name: "t", rows: 1, digest: sha256(object), columns: [], start, end: body.end }],
      restartPoints: restartPoints.map(([at, raw]) => [at, raw]),
      warnings: [],
      queries: 1,
      rowsRead: 1,
    },
  };
}

async function damage(manifest: Manifest, object: Uint8Array): Promise<string | null> {
  async function* stored() {
    yield object;
  }
  return await damageOf(manifest, { stored: stored(), counter: new LineCounter() });
}

const { manifest, object } = backup("'one'");

test("an object that is what its manifest says has no damage, whatever is in it", async () => {
  expect(await damage(manifest, object)).toBeNull();
  for (const values of ["1", "'x'", `'${"long ".repeat(400_000)}'`]) {
    const good = backup(values);
    expect(await damage(good.manifest, good.object)).toBeNull();
  }
});

test("the damage of an object with a bit flipped anywhere is said in a sentence, and in which table it may lie", async () => {
  for (let at = 0; at < object.length; at += 1) {
    const flipped = Buffer.from(object);
    flipped[at] = (flipped[at] ?? 0) ^ 0x10;
    expect(await damage(manifest, flipped), `byte ${at}`).toMatch(
      /^(?:Its SHA-256 is|Cannot read ".+": .+ in table "t"$)/,
    );
  }
});

test("an object of another size, and another backup's object, are damage", async () => {
  expect(await damage(manifest, object.subarray(0, -1))).toBe(
    `It has ${object.length - 1} bytes instead of ${object.length}`,
  );
  expect(await damage(manifest, Buffer.alloc(0))).toBe(`It has 0 bytes instead of ${object.length}`);
  const other = backup("'two'");
  expect(other.object.length).toBe(object.length);
  expect(await damage(manifest, other.object)).toContain("Its SHA-256 is");
});

test("a manifest that says something else of whole bytes is found out, field by field", async () => {
  const { sql } = manifest;
  const other = "f".repeat(64);
  const damages = await Promise.all([
    damage({ ...manifest, object: { ...manifest.object, sha256: other } }, object),
    damage({ ...manifest, sql: { ...sql, sha256: other } }, object),
    damage({ ...manifest, sql: { ...sql, body: { ...sql.body, sha256: other } } }, object),
    damage({ ...manifest, sql: { ...sql, body: { ...sql.body, end: sql.body.end - 1 } } }, object),
    damage({ ...manifest, sql: { ...sql, statements: 5 } }, object),
    damage({ ...manifest, sql: { ...sql, bytes: sql.bytes + 1 } }, object),
    damage({ ...manifest, restartPoints: [] }, object),
  ]);
  expect(damages.map((found) => found?.slice(0, 24))).toEqual([
    `Its SHA-256 is ${sha256(object).slice(0, 9)}`,
    "The SHA-256 of its SQL i",
    "The SHA-256 of its SQL's",
    "The SHA-256 of its SQL's",
    "Its SQL has 4 statements",
    'Cannot read "daily/2026-',
    'Cannot read "daily/2026-',
  ]);
});

test("a manifest of the time before statements were counted is taken at its digests", async () => {
  const old: Manifest = { ...manifest, sql: { ...manifest.sql } };
  delete old.sql.statements;
  expect(await damage(old, object)).toBeNull();
});
