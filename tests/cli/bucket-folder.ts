import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { GzipWriter } from "@patina/archive/gzip-writer";
import { type BackupRef, dumpKey, manifestKey } from "@patina/archive/keys";
import { encodeManifest, type Manifest } from "@patina/archive/manifest";
import { NO_RULES } from "@patina/core/rules";
import { dump } from "@patina/dump/dump";
import { sqliteSource } from "@patina/dump/sqlite-source";
import { build } from "../corpus/build.ts";

/** Puts a backup into a folder under the keys that the exporter would have given it; its manifest. */
export async function store(
  folder: string,
  options: { ref: BackupRef; sql: readonly string[]; startedAt?: string; snapshotBytes?: number },
): Promise<Manifest> {
  const { ref, sql, startedAt = `${ref.date}T03:00:00.000Z`, snapshotBytes = 1e9 } = options;
  const db = build({ name: ref.database, breaks: "", sql });
  const gzip = new GzipWriter();
  const job = ref.kind === "daily" ? `nightly-${ref.date}` : ref.job;
  const info = {
    database: ref.database,
    environment: "test",
    job,
    startedAt,
    snapshotBytes,
    rules: NO_RULES,
    redactionKey: null,
  };
  const run = dump(sqliteSource(db), { ...info, output: gzip });
  let step = await run.next();
  while (!step.done) step = await run.next();
  db.close();
  const { digests, ...end } = gzip.end();
  const bytes = Buffer.concat(gzip.take());
  if (digests === null) throw new TypeError("A dump that was written at once has its digests");
  const { mode, consistency, rows, tables, warnings, queries, rowsRead } = step.value;
  const manifest: Manifest = {
    patina: "manifest",
    format: 1,
    database: ref.database,
    environment: "test",
    job,
    generation: 0,
    kind: ref.kind,
    date: ref.date,
    startedAt,
    finishedAt: startedAt,
    mode,
    consistency,
    object: { key: dumpKey(ref), bytes: end.storedBytes, sha256: digests.stored, etag: "e" },
    sql: { format: 1, bytes: end.rawBytes, sha256: digests.raw, body: { ...end.body, sha256: digests.body } },
    rows,
    tables: [...tables],
    restartPoints: end.restartPoints.map(([at, raw]) => [at, raw]),
    warnings: [...warnings],
    queries,
    rowsRead,
  };
  write(join(folder, dumpKey(ref)), bytes);
  write(join(folder, manifestKey(ref)), encodeManifest(manifest));
  return manifest;
}

export function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
