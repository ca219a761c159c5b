import { env } from "cloudflare:test";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { GzipWriter } from "@patina/archive/gzip-writer";
import { type BackupRef, dumpKey, manifestKey } from "@patina/archive/keys";
import { encodeManifest, type Manifest } from "@patina/archive/manifest";

/** For tests inside workerd: a stored backup as the exporter leaves it, of one table with the given rows. */
export async function storeBackup(
  ref: BackupRef,
  options: { rows: readonly string[]; change?: Partial<Manifest> },
): Promise<Manifest> {
  const { rows, change } = options;
  const gzip = new GzipWriter();
  const write = (text: string) => {
    gzip.write(Buffer.from(text));
    gzip.endStatement();
  };
  write("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n");
  gzip.beginBody();
  write("CREATE TABLE t (v TEXT);\n");
  const start = gzip.position;
  for (const row of rows) write(`INSERT INTO "t"("v") VALUES\n('${row}');\n`);
  const end = gzip.position;
  gzip.endBody();
  write("COMMIT;\nPRAGMA foreign_keys=ON;\n-- end\n");
  const summary = gzip.end();
  const key = dumpKey(ref);
  const stored = Buffer.concat(gzip.take());
  const raw = gunzipSync(stored);
  const { etag } = await putObject(key, stored);
  const manifest: Manifest = {
    patina: "manifest",
    format: 1,
    database: ref.database,
    environment: "local",
    job: ref.kind === "manual" ? ref.job : `nightly-${ref.date}`,
    generation: 1,
    kind: ref.kind,
    date: ref.date,
    startedAt: `${ref.date}T03:00:00.000Z`,
    finishedAt: `${ref.date}T03:00:01.000Z`,
    mode: "snapshot",
    consistency: "snapshot",
    object: { key, bytes: summary.storedBytes, sha256: sha256(stored), etag },
    sql: {
      format: 1,
      bytes: raw.length,
      sha256: sha256(raw),
      body: { ...summary.body, sha256: sha256(raw.subarray(summary.body.start, summary.body.end)) },
    },
    rows: rows.length,
    tables: [{ name: "t", rows: rows.length, digest: "0".repeat(64), columns: [], start, end }],
    restartPoints: summary.restartPoints.map(([at, raw]) => [at, raw]),
    warnings: [],
    queries: 1,
    rowsRead: rows.length,
    ...change,
  };
  await env.BUCKET.put(manifestKey(ref), encodeManifest(manifest));
  return manifest;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Puts an object, on no condition. */
export async function putObject(key: string, bytes: Uint8Array): Promise<R2Object> {
  const object = await env.BUCKET.put(key, bytes);
  if (object === null) throw new TypeError(`Cannot put "${key}"`);
  return object;
}

/** Empties the bucket that the tests of a file share. */
export async function emptyBucket(): Promise<void> {
  for (let more = true; more; ) {
    const { objects, truncated } = await env.BUCKET.list();
    if (objects.length > 0) await env.BUCKET.delete(objects.map(({ key }) => key));
    more = truncated;
  }
}
