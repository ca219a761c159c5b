import type { Manifest } from "@patina/archive/manifest";

/**
 * How a Worker without a bucket reads stored objects: the archiver's entrypoint `Vault`, over a service binding. It can
 * look and open, nothing else. What it throws arrives as a plain Error, without a code: the bucket did not answer.
 */
export interface Vault {
  head(key: string): Promise<VaultObject | null>;
  open(key: string, wanted?: VaultRange): Promise<VaultAnswer>;
  /**
   * Finds the backup of a database on a date, wherever it is by now: the nightly, else the newest manual one, else the
   * nightly's copy in the weekly archive. One that is known to be damaged comes last of all.
   */
  findBackup(backup: BackupName): Promise<FoundBackup>;
  /** Opens its stored dump. The etag is the SHA-256 of the dump, the same in all of these places. */
  openBackup(backup: BackupName, wanted?: VaultRange): Promise<BackupAnswer>;
}

export interface BackupName {
  readonly date: string;
  readonly database: string;
  /** The one that this job made, when a date has several. */
  readonly job?: string;
  /** Takes the first of them, damaged or not. */
  readonly evenDamaged?: boolean;
}

export type FoundBackup =
  | {
      readonly end: "found";
      readonly from: "daily" | "manual" | "weekly";
      readonly manifest: Manifest;
      /** What is known to be wrong with it; null when nothing is. */
      readonly damage: string | null;
    }
  | { readonly end: "absent" }
  /** There is one, but nobody can read its manifest. */
  | { readonly end: "unreadable"; readonly reason: string };

/** An object in the bucket. `size` in bytes, `uploaded` in milliseconds since the epoch. */
export interface VaultObject {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly uploaded: number;
}

/** Which bytes are wanted, by default all of them; and of which object, when it must still be the one that was seen. */
export interface VaultRange {
  readonly offset?: number;
  readonly length?: number;
  readonly etag?: string;
}

/** As VaultAnswer, and which backup it is. `object.key` is the archive's when it is served out of one. */
export type BackupAnswer =
  | (Extract<VaultAnswer, { end: "opened" }> & {
      readonly from: "daily" | "manual" | "weekly";
      readonly job: string;
      /** When the export ended, RFC 3339. */
      readonly finishedAt: string;
    })
  | Exclude<VaultAnswer, { end: "opened" }>;

export type VaultAnswer =
  | {
      readonly end: "opened";
      readonly object: VaultObject;
      /** The bytes that `body` gives: those that were asked for, as far as the object has them. */
      readonly offset: number;
      readonly length: number;
      readonly body: ReadableStream<Uint8Array>;
    }
  /** There is no such object. */
  | { readonly end: "absent" }
  /** It has no such bytes: HTTP's 416. */
  | { readonly end: "outside"; readonly size: number }
  /** It is no longer the object with that etag. */
  | { readonly end: "changed" };
