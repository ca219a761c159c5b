import type { Manifest } from "@patina/archive/manifest";
import { listBackups } from "@patina/catalog/backups";
import type { Catalog } from "@patina/catalog/catalog";
import { findDatabase } from "@patina/catalog/databases";
import { PatinaError } from "@patina/core/error";
import type { BackupName, Vault } from "@patina/worker/vault";

/** Stored bytes as the API gets them: from the archiver, which alone has the bucket. */

export interface FoundBackup {
  /** Out of a weekly archive, when its own object is gone. */
  readonly from: "daily" | "manual" | "weekly";
  readonly manifest: Manifest;
  /** What is known to be wrong with it; null when nothing is. */
  readonly damage: string | null;
}

/**
 * Finds the backup of a database on a date.
 *
 * @throws {PatinaError} `not_found`, which says whether it is the database or its backup that is not there;
 *   `backup_damaged` when it should be there; `known_damaged` when it is, and was found to be damaged, unless that is taken
 *   as well; `manifest_invalid`, `bucket_unavailable`
 */
export async function findBackup(
  name: BackupName,
  { vault, catalog }: { vault: Vault; catalog: Catalog },
): Promise<FoundBackup> {
  const answer = await asked(() => vault.findBackup(name));
  switch (answer.end) {
    case "found": {
      const { from, manifest, damage } = answer;
      if (damage === null || name.evenDamaged === true) return { from, manifest, damage };
      throw new PatinaError("known_damaged", `Cannot use "${manifest.object.key}": it is damaged. ${damage}`);
    }
    case "unreadable":
      throw new PatinaError("manifest_invalid", answer.reason);
    case "absent":
      throw await whyAbsent(name, catalog);
  }
}

async function whyAbsent({ database, date, job }: BackupName, catalog: Catalog): Promise<PatinaError> {
  const [known] = await listBackups(catalog, { filter: { database, from: date, to: date, job }, limit: 1 });
  if (known !== undefined) {
    return new PatinaError("backup_damaged", `Cannot read "${known.key}": it is not in the bucket as it was written`);
  }
  if ((await findDatabase(catalog, database)) === undefined) {
    return new PatinaError("not_found", "Cannot find a backup: no database of this name is registered");
  }
  return new PatinaError("not_found", "Cannot find a backup: this database has none of that date and job");
}

/**
 * Opens the bytes of a backup that was found, or a part of them.
 *
 * @throws {PatinaError} `conflict` when another backup has taken its place since, `bucket_unavailable`
 */
export async function openBackup(
  { manifest, damage }: FoundBackup,
  { vault, part }: { vault: Vault; part: { offset: number; length: number } },
): Promise<ReadableStream<Uint8Array>> {
  const { database, date, job, object } = manifest;
  const answer = await asked(() =>
    vault.openBackup({ database, date, job, evenDamaged: damage !== null }, { ...part, etag: object.sha256 }),
  );
  if (answer.end === "opened") return answer.body;
  throw new PatinaError("conflict", `Cannot read "${object.key}": it was replaced or removed just now`);
}

/** The text of an object; null when it is not there. @throws {PatinaError} `bucket_unavailable` */
export async function readObject(key: string, vault: Vault): Promise<string | null> {
  const answer = await asked(() => vault.open(key));
  return answer.end === "opened" ? await asked(() => new Response(answer.body).text()) : null;
}

async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw new PatinaError("bucket_unavailable", "Cannot read the backup: the archiver did not get it", { cause });
  }
}
