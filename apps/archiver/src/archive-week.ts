import { archiveKey } from "@patina/archive/keys";
import { type Archive, findArchive, openArchive, restartArchive } from "@patina/catalog/archives";
import { findJob } from "@patina/catalog/jobs";
import { noteDamaged } from "@patina/catalog/verify-results";
import { PatinaError } from "@patina/core/error";
import { DONE, type Outcome } from "@patina/core/outcome";
import { datesOf, weekOf } from "@patina/core/week";
import { type ArchiveWeek, encode } from "@patina/messages/message";
import { asking } from "@patina/worker/bucket-error";
import { checkArchive, Difference, isDamaged } from "./check-archive.ts";
import { finishArchive } from "./finish-archive.ts";
import { planArchive } from "./plan-archive.ts";
import { storedArchive } from "./stored-archive.ts";
import type { ArchiverContext } from "./upkeep.ts";
import { writeArchive } from "./write-archive.ts";

/** An archive that was begun so often and is still not right is for a person to look at. */
const MAX_ATTEMPTS = 5;

/**
 * Makes the archive of a weekly job's week: plans it, writes it, reads it back, and reports it. What does not fit into
 * one invocation goes on in the next, from where the catalog says it stopped.
 */
export async function archiveWeek(message: ArchiveWeek, context: ArchiverContext): Promise<Outcome> {
  const { catalog, clock, upkeep, log } = context;
  const job = await findJob(catalog, message.job);
  if (job === undefined) {
    throw new PatinaError("unknown_task", `Cannot archive: there is no job "${message.job}"`);
  }
  const week = weekOf(job.date);
  const date = datesOf(week)[0] ?? "";
  await refuseToReplace(week, context);
  const begun = await openArchive(catalog, { week, jobId: job.id, date, now: clock() });
  if (begun.attempt > MAX_ATTEMPTS) {
    throw new PatinaError("archive_damaged", `Cannot archive week ${week}: it was begun ${MAX_ATTEMPTS} times in vain`);
  }
  const archive = await guarded(week, context, async () => {
    const planned = await planArchive(begun, context);
    const written = planned.state === "writing" ? await writeArchive(planned, context) : planned;
    return written.state === "checking" ? await checkArchive(written, context) : written;
  });
  if (archive.state !== "checked") {
    log.info(
      { week, state: archive.state, pages: archive.pages, checkedPages: archive.checkedPages },
      "Archive goes on",
    );
    await upkeep.send(encode({ ...message, snoozes: 0 }));
    return DONE;
  }
  await finishArchive({ archive, job }, context);
  return DONE;
}

/**
 * An archive in the bucket that the catalog does not know was made before the catalog was lost. It may hold backups that
 * are nowhere else any more, so it is not made again from what is left of the week.
 */
async function refuseToReplace(week: string, { catalog, bucket }: ArchiverContext): Promise<void> {
  if ((await findArchive(catalog, week)) !== undefined || (await storedArchive(week, bucket)).is !== "whole") return;
  throw new PatinaError(
    "catalog_incomplete",
    `Cannot archive week ${week}: there is an archive of it that the catalog does not know`,
  );
}

/** Steps of the making of an archive; when the plan does not hold any more, the archive begins anew. */
async function guarded(week: string, context: ArchiverContext, steps: () => Promise<Archive>): Promise<Archive> {
  try {
    return await steps();
  } catch (thrown) {
    if (thrown instanceof Difference) {
      const damaged = await damagedKey(thrown, context);
      await restart(week, context, damaged);
      const what = damaged === null ? `it was read back otherwise ${thrown.message}` : `"${damaged}" is damaged`;
      throw new PatinaError("archive_outdated", `Cannot archive week ${week} as planned: ${what}`);
    }
    if (thrown instanceof PatinaError && thrown.code === "archive_outdated") await restart(week, context, null);
    throw thrown;
  }
}

/**
 * The daily backup that is to blame for a difference, which is thereby known to be damaged; null when it is the archive
 * itself, or was replaced meanwhile.
 */
async function damagedKey({ entry }: Difference, { catalog, bucket, clock }: ArchiverContext): Promise<string | null> {
  if (entry?.kind !== "dump") return null;
  const { database, origin } = entry;
  const { key, etag } = origin;
  try {
    if (!(await isDamaged(bucket, entry))) return null;
  } catch (error) {
    if (error instanceof PatinaError && error.code === "archive_outdated") return null;
    throw error;
  }
  const damage = "Its SHA-256 is not the one that its manifest says";
  await noteDamaged(catalog, { key, etag, database, damage, now: clock() });
  return key;
}

async function restart(week: string, context: ArchiverContext, damaged: string | null): Promise<void> {
  const { catalog, bucket, clock, log } = context;
  const archive = await findArchive(catalog, week);
  if (archive === undefined) return;
  const key = archiveKey({ is: "archive", week });
  const { uploadId } = archive;
  if (uploadId !== null) await abort(key, () => bucket.resumeMultipartUpload(key, uploadId).abort());
  await restartArchive(catalog, { archive, date: datesOf(week)[0] ?? "", damaged, now: clock() });
  log.warn({ week, damaged, attempt: archive.attempt + 1 }, "Archive begins anew");
}

/** An upload that is gone needs no ending. */
async function abort(key: string, act: () => Promise<void>): Promise<void> {
  try {
    await asking(key, act);
  } catch (error) {
    if (!(error instanceof PatinaError) || error.code !== "upload_lost") throw error;
  }
}
