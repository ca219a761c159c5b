import { type BackupRef, dumpKey } from "@patina/archive/keys";
import type { RebuildPhase } from "@patina/catalog/rebuild-tables";
import type { RebuildStep } from "@patina/catalog/rebuilds";
import { backupStatements, type RebuiltBackup, unknownBackups } from "@patina/catalog/rebuilt-backups";
import { scheduledJobId } from "@patina/core/job";
import { inTurn } from "./in-turn.ts";
import { type ListedBackup, listBackups, readBackup } from "./listed-backups.ts";
import { rebuiltBackup } from "./rebuilt-backup.ts";
import type { ArchiverContext } from "./upkeep.ts";

/** One step through the backups that have objects of their own: those whose objects the catalog does not know. */
export async function rebuildBackups(
  { prefix, after, following }: { prefix: string; after: string | null; following: RebuildPhase },
  { catalog, bucket, budget, clock }: ArchiverContext,
): Promise<RebuildStep> {
  const listed = await listBackups(bucket, { prefix, after });
  const unknown = await unknownBackups(
    catalog,
    listed.backups.map(({ ref }) => ({ key: dumpKey(ref), job: jobOf(ref), database: ref.database })),
  );
  const read = await inTurn(
    listed.backups.filter(({ ref }) => unknown.has(dumpKey(ref))),
    (backup) => rowsOf(backup, bucket),
  );
  budget.spend({ requests: read.length + 1 });
  const added = read.flatMap((found) => (found.is === "good" ? [found.backup] : []));
  return {
    next: listed.after === null ? { phase: following } : { after: listed.after },
    statements: backupStatements(added, clock()),
    counts: { backups: listed.backups.length, addedBackups: added.length },
    skipped: read.flatMap((found) => (found.is === "bad" ? [{ key: found.key, reason: found.reason }] : [])),
  };
}

function jobOf(ref: BackupRef): string {
  return ref.kind === "manual" ? ref.job : scheduledJobId("nightly", ref.date);
}

type Rows =
  | { readonly is: "good"; readonly backup: RebuiltBackup }
  | { readonly is: "bad"; readonly key: string; readonly reason: string };

/** What the catalog is to say of a backup; the manifest itself, which may be long, is let go. */
async function rowsOf(listed: ListedBackup, bucket: R2Bucket): Promise<Rows> {
  const read = await readBackup(listed, bucket);
  if (read.is === "bad") return { is: "bad", key: dumpKey(listed.ref), reason: read.reason };
  return { is: "good", backup: rebuiltBackup(read.manifest, read.own.key) };
}
