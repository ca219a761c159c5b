import { backupFacts } from "@patina/archive/backup-facts";
import { refOfTask } from "@patina/archive/keys";
import type { Catalog } from "@patina/catalog/catalog";
import { findJob } from "@patina/catalog/jobs";
import type { Failed, Result, Succeeded } from "@patina/catalog/results";
import type { TaskRef } from "@patina/catalog/tasks";
import { PatinaError } from "@patina/core/error";
import { type Backup, findBackup } from "@patina/worker/finished-backup";
import type { Log } from "@patina/worker/log";

/** The result of a task whose backup exists. */
export function succeededWith({ key, manifest }: Backup, task: TaskRef): Succeeded {
  return { status: "succeeded", task, manifestKey: key, ...backupFacts(manifest) };
}

/**
 * How a task ends that is given up: as failed, unless its backup is in the bucket. The export may have stopped between
 * the manifest and its report, or the report may have been lost. A bucket that does not answer holds up no job: the task
 * has failed then.
 */
export async function givenUp(
  failed: Failed,
  { catalog, bucket, log }: { catalog: Catalog; bucket: R2Bucket; log: Log },
): Promise<Result> {
  const { task } = failed;
  const job = await findJob(catalog, task.job);
  if (job === undefined) return failed;
  try {
    const ref = refOfTask({ jobKind: job.kind, date: job.date, ...task });
    const backup = await findBackup(bucket, { ref, ...task });
    return backup === null ? failed : succeededWith(backup, task);
  } catch (error) {
    if (!(error instanceof PatinaError) || error.code !== "bucket_unavailable") throw error;
    log.warn({ ...task, error }, "Bucket could not be asked for the backup of a task that is given up");
    return failed;
  }
}
