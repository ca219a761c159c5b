import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { GzipWriter } from "@patina/archive/gzip-writer";
import { type BackupRef, dumpKey } from "@patina/archive/keys";
import type { Manifest } from "@patina/archive/manifest";
import type { Catalog } from "@patina/catalog/catalog";
import { backupInventory } from "@patina/catalog/schema";
import { header } from "@patina/dump/frame";
import type {
  BackupAnswer,
  BackupName,
  FoundBackup,
  Vault,
  VaultAnswer,
  VaultObject,
  VaultRange,
} from "@patina/worker/vault";

/** For tests: a Vault over backups in memory. Which one of a date comes first is decided by the order they came in. */
export class MemoryVault implements Vault {
  readonly backups: {
    from: "daily" | "manual" | "weekly";
    manifest: Manifest;
    stored: Uint8Array<ArrayBuffer>;
    damage?: string;
  }[] = [];
  /** What was opened. */
  readonly opened: { readonly backup: BackupName; readonly wanted: VaultRange }[] = [];

  async findBackup(backup: BackupName): Promise<FoundBackup> {
    const found = this.#find(backup);
    if (found === undefined) return { end: "absent" };
    const { from, manifest, damage = null } = found;
    return { end: "found", from, manifest, damage };
  }

  async openBackup(backup: BackupName, wanted: VaultRange = {}): Promise<BackupAnswer> {
    this.opened.push({ backup, wanted });
    const found = this.#find(backup);
    if (found === undefined) return { end: "absent" };
    const { stored, manifest, from } = found;
    const { sha256: etag, key } = manifest.object;
    if (wanted.etag !== etag) return { end: "changed" };
    const { offset = 0, length = stored.length - offset } = wanted;
    const object = { key, size: stored.length, etag, uploaded: 0 };
    const body = new Blob([stored.subarray(offset, offset + length)]).stream();
    return { end: "opened", object, offset, length, body, from, job: manifest.job, finishedAt: manifest.finishedAt };
  }

  async head(): Promise<VaultObject | null> {
    throw new TypeError("The API finds backups by their names");
  }

  /** Other objects by their keys. */
  readonly objects = new Map<string, string>();

  async open(key: string): Promise<VaultAnswer> {
    const text = this.objects.get(key);
    if (text === undefined) return { end: "absent" };
    const object = { key, size: text.length, etag: "", uploaded: 0 };
    return { end: "opened", object, offset: 0, length: text.length, body: new Blob([text]).stream() };
  }

  #find({ date, database, job }: BackupName) {
    return this.backups.find(
      ({ manifest }) =>
        manifest.date === date && manifest.database === database && (job === undefined || manifest.job === job),
    );
  }
}

export interface StoredBackup {
  readonly ref: BackupRef;
  readonly sql: string;
  readonly stored: Uint8Array<ArrayBuffer>;
  readonly manifest: Manifest;
}

/** For tests: a backup of one table, in the vault and in the inventory as the exporter and the aggregator leave it. */
export async function storeBackup(
  { vault, catalog }: { vault: MemoryVault; catalog: Catalog },
  { ref, job, rows, createdAt }: { ref: BackupRef; job: string; rows: readonly string[]; createdAt: number },
): Promise<StoredBackup> {
  const encoder = new TextEncoder();
  const writer = new GzipWriter();
  const info = { database: ref.database, environment: "test", job, startedAt: "2026-11-20T03:00:00.000Z" };
  writer.write(encoder.encode(header({ ...info, mode: "snapshot", tables: 1, rows: rows.length })));
  writer.beginBody();
  const lines = rows.map((row) => `INSERT INTO "notes"("text") VALUES\n('${row}');\n`);
  writer.write(encoder.encode('CREATE TABLE "notes"("text" TEXT);\n'));
  const start = writer.position;
  for (const line of lines) writer.write(encoder.encode(line));
  const end = writer.position;
  writer.endBody();
  writer.write(encoder.encode("COMMIT;\nPRAGMA foreign_keys=ON;\n-- end\n"));
  const { body, restartPoints } = writer.end();
  const stored = new Uint8Array(Buffer.concat(writer.take()));
  const key = dumpKey(ref);
  const object = { key, bytes: stored.length, sha256: sha256(stored), etag: `etag of ${job}` };
  const raw = gunzipSync(stored);
  const manifest: Manifest = {
    patina: "manifest",
    format: 1,
    database: ref.database,
    environment: "test",
    job,
    generation: 1,
    kind: ref.kind,
    date: ref.date,
    startedAt: info.startedAt,
    finishedAt: info.startedAt,
    mode: "snapshot",
    consistency: "snapshot",
    object,
    sql: {
      format: 1,
      bytes: raw.length,
      sha256: sha256(raw),
      body: { ...body, sha256: sha256(raw.subarray(body.start, body.end)) },
    },
    rows: rows.length,
    tables: [{ name: "notes", rows: rows.length, digest: "0".repeat(64), columns: [], start, end }],
    restartPoints: restartPoints.map(([at, raw]) => [at, raw]),
    warnings: [],
    queries: 1,
    rowsRead: rows.length,
  };
  vault.backups.push({ from: ref.kind, manifest, stored });
  const { bytes: size, sha256: digest, etag } = object;
  const { kind, database, date } = ref;
  await catalog
    .insert(backupInventory)
    .values({ key, kind, database, date, jobId: job, size, digest, etag, createdAt });
  return { ref, sql: raw.toString(), stored, manifest };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
