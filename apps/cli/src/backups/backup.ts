import type { Manifest } from "@patina/archive/manifest";
import type { StoredBytes } from "@patina/archive/range-reader";

/** A stored backup of one database, found but not read. */
export interface Backup {
  /** How people name it: `shop@2026-11-20`, `shop@manual-20261120-154501-9f3a1c`, or the path of a file. */
  readonly id: string;
  readonly database: string;
  /** The date of its job, in UTC; null for a lone `.sql.gz` without a manifest's word for it. */
  readonly date: string | null;
  /** The stored `.sql.gz`. */
  readonly stored: StoredBytes;
  /** When it was last verified and drilled where it lies, RFC 3339; absent where the source keeps no such record. */
  readonly custody?: { readonly verifiedAt: string | null; readonly drilledAt: string | null };
  /** Bytes of the stored object as it lies there; null when it is gone. */
  size(): Promise<number | null>;
  /**
   * What the backup says of itself; null for a lone `.sql.gz`.
   *
   * @throws {PatinaError} `manifest_invalid`; `backup_damaged` where the source itself knows that it is
   */
  manifest(): Promise<Manifest | null>;
}

export interface BackupFilter {
  /** All databases when absent. */
  readonly database?: string;
  /** Dates not before this one, `YYYY-MM-DD`. */
  readonly since?: string;
  /** Dates not after this one. */
  readonly until?: string;
}

/** Where backups are: a copy of the bucket, the bucket itself, one file, or Patina's API. */
export interface BackupSource {
  /** How people know it, for messages. */
  readonly label: string;
  /**
   * The backups there are, newest date first; on one date the nightly, then manual ones from the newest on. Reads on as
   * far as it is asked to.
   */
  find(filter: BackupFilter): AsyncIterable<Backup>;
  /** Names of the databases that may have backups there, where that is known without looking at every backup. */
  databases?(): Promise<string[]>;
}
