import type { Consistency } from "@patina/core/job";
import type { Manifest } from "./manifest.ts";

/** A backup as the catalog's result of it says it: sizes in bytes, times in milliseconds. */
export interface BackupFacts {
  readonly kind: "daily" | "manual";
  readonly date: string;
  readonly key: string;
  readonly consistency: Consistency;
  readonly tables: number;
  readonly rows: number;
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly durationMs: number;
  readonly queries: number;
  readonly rowsRead: number;
  readonly bodyDigest: string;
  readonly storedDigest: string;
  /** Of all definitions; manifests of before it was written lack it. */
  readonly schemaDigest: string | undefined;
  readonly etag: string;
  readonly warnings: readonly string[];
  readonly createdAt: number;
  /** When the stored object had been read back; null when its manifest does not say. */
  readonly verifiedAt: number | null;
}

/** What a manifest says of its backup, for whoever writes it into the catalog: the one who settles its task, or rebuilds. */
export function backupFacts(manifest: Manifest): BackupFacts {
  const { kind, date, object, sql } = manifest;
  const createdAt = Date.parse(manifest.finishedAt);
  return {
    kind,
    date,
    key: object.key,
    consistency: manifest.consistency,
    tables: manifest.tables.length,
    rows: manifest.rows,
    rawBytes: sql.bytes,
    storedBytes: object.bytes,
    durationMs: createdAt - Date.parse(manifest.startedAt),
    queries: manifest.queries,
    rowsRead: manifest.rowsRead,
    bodyDigest: sql.body.sha256,
    storedDigest: object.sha256,
    schemaDigest: manifest.schema?.sha256,
    etag: object.etag,
    warnings: manifest.warnings,
    createdAt,
    verifiedAt: manifest.verifiedAt === undefined ? null : Date.parse(manifest.verifiedAt),
  };
}
