import { env, runInDurableObject } from "cloudflare:test";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { GzipWriter } from "@patina/archive/gzip-writer";
import { type BackupRef, dumpKey, manifestKey } from "@patina/archive/keys";
import { encodeManifest, type Manifest } from "@patina/archive/manifest";
import type { Catalog } from "@patina/catalog/catalog";
import { backupInventory } from "@patina/catalog/schema";
import { NO_RULES, type Rules } from "@patina/core/rules";
import { dump } from "@patina/dump/dump";
import { scratchSource } from "./scratch-source.ts";
import { putObject } from "./testing.ts";

/** A stored object and what its manifest says of it, before either lies in the bucket. */
export interface Dumped {
  readonly bytes: Buffer;
  readonly manifest: Manifest;
}

/** For tests inside workerd: a backup of the database that statements make, as the exporter dumps it. */
export async function dumpOf(ref: BackupRef, statements: readonly string[], rules: Rules = NO_RULES): Promise<Dumped> {
  const stub = env.SCRATCH.getByName("source");
  return await runInDurableObject(stub, async (_, { storage }) => {
    for (const sql of statements) storage.sql.exec(sql).toArray();
    const gzip = new GzipWriter();
    const job = ref.kind === "manual" ? ref.job : `nightly-${ref.date}`;
    const info = { database: ref.database, environment: "local", job, startedAt: `${ref.date}T03:00:00.000Z` };
    const options = { rules, redactionKey: "k".repeat(32), snapshotBytes: 2_000_000, output: gzip };
    const run = dump(scratchSource(storage.sql), { ...info, ...options });
    let step = await run.next();
    const parts: Uint8Array[] = [];
    for (; !step.done; step = await run.next()) parts.push(...gzip.take());
    const summary = step.value;
    const stored = gzip.end();
    const bytes = Buffer.concat([...parts, ...gzip.take()]);
    await storage.deleteAll();
    const raw = gunzipSync(bytes);
    const { start, end } = stored.body;
    const manifest: Manifest = {
      patina: "manifest",
      format: 1,
      ...info,
      generation: 1,
      kind: ref.kind,
      date: ref.date,
      finishedAt: `${ref.date}T03:00:01.000Z`,
      mode: summary.mode,
      consistency: summary.consistency,
      object: { key: dumpKey(ref), bytes: bytes.length, sha256: sha256(bytes), etag: "" },
      sql: {
        format: 1,
        bytes: raw.length,
        sha256: sha256(raw),
        body: { start, end, sha256: sha256(raw.subarray(start, end)) },
      },
      rows: summary.rows,
      tables: [...summary.tables],
      schema: summary.schema,
      restartPoints: stored.restartPoints.map(([at, rawAt]) => [at, rawAt]),
      warnings: [...summary.warnings],
      queries: summary.queries,
      rowsRead: summary.rowsRead,
    };
    return { bytes, manifest };
  });
}

/**
 * The backup that a broken dump makes of a database: of another one, which `faults` made of it. Rows and their digests are
 * the broken dump's; what SQLite says by itself, counts, counters and definitions, is the source's.
 */
export async function brokenDumpOf(
  ref: BackupRef,
  { statements, faults }: { statements: readonly string[]; faults: readonly string[] },
): Promise<Dumped> {
  const source = await dumpOf(ref, statements);
  const { bytes, manifest } = await dumpOf(ref, [...statements, ...faults]);
  const counted = new Map(source.manifest.tables.map(({ name, columns, counter }) => [name, { columns, counter }]));
  const tables = manifest.tables.map((table) => ({ ...table, ...counted.get(table.name) }));
  return { bytes, manifest: { ...manifest, schema: source.manifest.schema, tables } };
}

/** Puts a backup into the bucket and into the inventory; the manifest as it is stored. */
export async function storeDump(catalog: Catalog, ref: BackupRef, { bytes, manifest }: Dumped): Promise<Manifest> {
  const key = dumpKey(ref);
  const { etag } = await putObject(key, bytes);
  const stored = { ...manifest, object: { ...manifest.object, etag } };
  await env.BUCKET.put(manifestKey(ref), encodeManifest(stored));
  const values = {
    kind: ref.kind,
    database: ref.database,
    date: ref.date,
    jobId: manifest.job,
    size: bytes.length,
    digest: manifest.object.sha256,
    etag,
    createdAt: Date.parse(manifest.finishedAt),
    deletedAt: null,
    drilledAt: null,
    damagedAt: null,
    damage: null,
  };
  await catalog
    .insert(backupInventory)
    .values({ key, ...values })
    .onConflictDoUpdate({ target: backupInventory.key, set: values });
  return stored;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
