import { backupFacts } from "@patina/archive/backup-facts";
import type { Manifest } from "@patina/archive/manifest";
import type { RebuiltBackup, RebuiltJob } from "@patina/catalog/rebuilt-backups";
import { CRONS, nextRun } from "@patina/core/schedule";

/** 2 is normal. */
const PRIORITY = 2;

/**
 * What the catalog is to say of a backup. Where an old manifest does not say it, the job has what its id and its kind
 * tell, and began when the backup did.
 */
export function rebuiltBackup(manifest: Manifest, manifestKey: string): RebuiltBackup {
  const { database, generation, catalog } = manifest;
  const startedAt = Date.parse(manifest.startedAt);
  return {
    ...backupFacts(manifest),
    database,
    generation,
    manifestKey,
    job: rebuiltJob(manifest),
    task: {
      priority: catalog?.task.priority ?? PRIORITY,
      attempt: catalog?.task.attempt ?? 1,
      startedAt: catalog === undefined ? startedAt : Date.parse(catalog.task.startedAt),
    },
  };
}

function rebuiltJob({ job: id, kind, date, startedAt, catalog }: Manifest): RebuiltJob {
  if (catalog === undefined) {
    return {
      id,
      trigger: kind === "daily" ? "cron" : "api",
      reason: null,
      scheduledFor: manualTime(id) ?? nextRun(CRONS.nightly, Date.parse(date) - 1),
      startedAt: manualTime(id) ?? Date.parse(startedAt),
      databases: 0,
      replayOf: null,
    };
  }
  const { job } = catalog;
  return { id, ...job, scheduledFor: Date.parse(job.scheduledFor), startedAt: Date.parse(job.startedAt) };
}

/** The second that a manual job's id names; null for any other job. */
function manualTime(job: string): number | null {
  const [, date, time] = /^manual-(\d{8})-(\d{6})-/.exec(job) ?? [];
  if (date === undefined || time === undefined) return null;
  const [day, clock] = [date.replace(/(....)(..)(..)/, "$1-$2-$3"), time.replace(/(..)(..)(..)/, "$1:$2:$3")];
  return Date.parse(`${day}T${clock}Z`);
}
