import { env } from "cloudflare:test";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { GzipWriter } from "@patina/archive/gzip-writer";
import { type BackupRef, dumpKey, manifestKey } from "@patina/archive/keys";
import { encodeManifest, type Manifest } from "@patina/archive/manifest";
import type { Catalog } from "@patina/catalog/catalog";
import { backupInventory } from "@patina/catalog/schema";
import { splitStatements } from "@patina/dump/statements";

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
    verifiedAt: `${ref.date}T03:00:01.000Z`,
    mode: "snapshot",
    consistency: "snapshot",
    object: { key, bytes: summary.storedBytes, sha256: sha256(stored), etag },
    sql: {
      format: 1,
      bytes: raw.length,
      sha256: sha256(raw),
      statements: splitStatements(raw.toString()).length,
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

/** A stored backup that the catalog knows, as the aggregator leaves it. */
export async function storeKnown(
  catalog: Catalog,
  { ref, rows, verifiedAt }: { ref: BackupRef; rows: readonly string[]; verifiedAt: number | null },
): Promise<Manifest> {
  const manifest = await storeBackup(ref, { rows });
  const { key, bytes: size, sha256: digest, etag } = manifest.object;
  const { kind, database, date } = ref;
  const createdAt = Date.parse(manifest.finishedAt);
  const row = { key, kind, database, date, jobId: manifest.job, size, digest, etag, createdAt, verifiedAt };
  await catalog.insert(backupInventory).values(row);
  return manifest;
}

/** A bucket whose objects come back otherwise than they are stored, under the same etag: `change` gives other bytes. */
export function changedBucket(
  bucket: R2Bucket,
  change: (bytes: Uint8Array, about: { key: string; offset: number }) => Uint8Array | Promise<Uint8Array>,
): R2Bucket {
  return new Proxy(bucket, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (name !== "get") return value.bind(target);
      return async (key: string, options?: R2GetOptions) => {
        const object = await target.get(key, options ?? {});
        if (object === null || !("body" in object)) return object;
        const range = object.range !== undefined && "offset" in object.range ? object.range : { offset: 0 };
        const bytes = await change(new Uint8Array(await object.arrayBuffer()), { key, offset: range.offset ?? 0 });
        const copy = new Response(bytes.slice());
        const { etag, size } = object;
        return {
          ...{ key, etag, size, range: object.range, body: copy.body },
          ...{ text: () => copy.text(), arrayBuffer: () => copy.arrayBuffer() },
        };
      };
    },
  });
}

/** Bytes with one bit flipped. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
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
