import { type DrillRow, findDrill, noteDrill } from "@patina/catalog/drills";
import { verdictOf } from "@patina/core/drill";
import { PatinaError } from "@patina/core/error";
import { DONE, type Outcome } from "@patina/core/outcome";
import { type Drill, encode } from "@patina/messages/message";
import { asking } from "@patina/worker/bucket-error";
import { askingScratch } from "./asking-scratch.ts";
import { backupOf } from "./drill-backup.ts";
import { type Drilled, endOfAbsent, endOfBroken, endOfRestored, finishDrill } from "./drill-end.ts";
import { checkObject } from "./drill-object.ts";
import { restoreAndProve } from "./drill-restore.ts";
import { bytesOf, type StoredBackup } from "./find-backup.ts";
import type { ArchiverContext } from "./upkeep.ts";

/**
 * Drills a backup: reads its object, restores it into a scratch database and compares. What does not fit into one
 * invocation goes on in the next, from where the scratch database says it stopped. The end is written down once: receipt,
 * then catalog; then the scratch database is emptied.
 */
export async function drill(message: Drill, context: ArchiverContext): Promise<Outcome> {
  const { catalog, upkeep, log } = context;
  const row = await findDrill(catalog, message.drill);
  if (row === undefined) throw new PatinaError("unknown_task", `Cannot drill: there is no drill "${message.drill}"`);
  if (row.state !== "done") {
    const drilled = await carryOut(row, context);
    if (drilled === "busy") return { end: "snooze", delaySeconds: BUSY_SECONDS };
    if (drilled === "unfinished") {
      log.info({ drill: row.id, database: row.database }, "Drill goes on");
      await upkeep.send(encode({ ...message, snoozes: 0 }));
      return DONE;
    }
    await finishDrill(row, { drilled, context });
  }
  await askingScratch(() => context.scratch(row.id).empty());
  return DONE;
}

/** How long a backup that is being written anew is left alone. */
const BUSY_SECONDS = 300;

/** `unfinished` when another invocation has to go on: the budget is spent, or the backup lies elsewhere by now. */
async function carryOut(row: DrillRow, context: ArchiverContext): Promise<Drilled | "unfinished" | "busy"> {
  const { catalog, bucket, budget, clock } = context;
  await noteDrill(catalog, row.id, { now: clock() });
  const found = await backupOf(row, context);
  if (found.end === "absent") return endOfAbsent(found);
  if (found.end === "busy") return found.end;
  if (found.end === "broken") return endOfBroken(found);
  const { backup } = found;
  const { date, job } = backup.manifest;
  await noteDrill(catalog, row.id, { date, jobId: job, key: backup.key, now: clock() });
  const stored = bytesOf(backup, bucket);
  const restored = await restoreAndProve({
    ...context,
    manifest: backup.manifest,
    stored,
    subject: `${backup.key} ${backup.etag} ${backup.offset}`,
    check: () => checkObject(backup.manifest, { database: row.database, stored, budget }),
    scratch: () => context.scratch(row.id),
    restoreMs: row.restoreMs ?? 0,
    note: async (so) => await noteDrill(catalog, row.id, { ...so, now: clock() }),
  });
  if (restored === null) return "unfinished";
  // What is pruned or archived while it is read is not damaged.
  if (verdictOf(restored.checks) === "failed" && !(await isThere(backup, bucket))) return "unfinished";
  return endOfRestored(backup, restored);
}

async function isThere({ key, etag }: StoredBackup, bucket: R2Bucket): Promise<boolean> {
  return (await asking(key, () => bucket.head(key)))?.etag === etag;
}
