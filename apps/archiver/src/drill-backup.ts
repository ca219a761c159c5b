import { manifestKey, parseKey } from "@patina/archive/keys";
import { newestGoodBackup, storedObject } from "@patina/catalog/drill-backups";
import type { DrillRow } from "@patina/catalog/drills";
import { backupsOf } from "@patina/catalog/inventory";
import { findSubject } from "@patina/catalog/verify-subjects";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import { findBackup, type StoredBackup } from "./find-backup.ts";
import type { ArchiverContext } from "./upkeep.ts";

/** The backup that a drill is about. */
export type Found =
  | { readonly end: "found"; readonly backup: StoredBackup }
  /** There is none, as far as the inventory knows either. */
  | { readonly end: "absent"; readonly reason: string }
  /** It is being written anew at this moment: its object and its manifest need not be of each other. */
  | { readonly end: "busy" }
  /** There should be one, and its object or its manifest is not what it should be. */
  | { readonly end: "broken"; readonly lost: LostBackup; readonly reason: string };

/** A backup of the inventory that cannot be opened. */
export interface LostBackup {
  readonly key: string;
  readonly etag: string;
  readonly date: string;
  readonly jobId: string;
}

/** Finds the backup of a drill: of its date or the newest good one, wherever it is by now. */
export async function backupOf(row: DrillRow, context: ArchiverContext): Promise<Found> {
  const { catalog } = context;
  const { database } = row;
  const wanted = row.date === null ? await newestGoodBackup(catalog, database) : { date: row.date, job: row.jobId };
  if (wanted === null) return { end: "absent", reason: `There is no backup of ${database}` };
  const { date, job } = wanted;
  const name = { date, database, ...(job === null ? {} : { job }) };
  let reason: string | null = null;
  try {
    const backup = await findBackup(name, context);
    if (backup !== null) return { end: "found", backup };
  } catch (error) {
    if (!(error instanceof PatinaError) || error.code !== "manifest_invalid") throw error;
    reason = error.message;
  }
  const [known] = await backupsOf(catalog, name);
  const lost = known === undefined ? null : await storedObject(catalog, known.key);
  if (lost === null) return { end: "absent", reason: `There is no backup of ${database} on ${date} any more` };
  if ((await findSubject(catalog, lost.key))?.isBusy === true) return { end: "busy" };
  return { end: "broken", lost, reason: reason ?? (await whatIsWrong(lost.key, context.bucket)) };
}

async function whatIsWrong(key: string, bucket: R2Bucket): Promise<string> {
  const object = await asking(key, () => bucket.head(key));
  if (object === null) return `The object "${key}" is not there`;
  const ref = parseKey(key)?.ref;
  const beside = ref === undefined ? null : manifestKey(ref);
  if (beside === null || (await asking(beside, () => bucket.head(beside))) === null) {
    return `The manifest of "${key}" is not there`;
  }
  return `The object "${key}" is another one than its manifest says`;
}
