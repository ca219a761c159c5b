import { catalogFacts } from "@patina/archive/catalog-facts";
import { type BackupRef, dumpKey, refOfTask } from "@patina/archive/keys";
import type { Catalog } from "@patina/catalog/catalog";
import { findDatabase, type RegisteredDatabase } from "@patina/catalog/databases";
import { catalogFailure } from "@patina/catalog/failure";
import { type Claim, claimTask, noteExported, pauseTask, releaseTask, type TaskRef } from "@patina/catalog/tasks";
import { uploadsOf } from "@patina/catalog/uploads";
import { MINUTE } from "@patina/core/date";
import { ERROR_CODES, PatinaError } from "@patina/core/error";
import { DONE, type Outcome, outcomeOfDelivery } from "@patina/core/outcome";
import { type ExportFinished, type ExportRequested, encode } from "@patina/messages/message";
import { type Backup, findBackup } from "@patina/worker/finished-backup";
import type { Log } from "@patina/worker/log";
import { abortUploads } from "@patina/worker/stored-object";
import { type Made, makeBackup } from "./backup.ts";
import { Budget } from "./budget.ts";
import { CheckpointStore } from "./checkpoint-store.ts";
import { d1Source, isDatabase } from "./d1-source.ts";
import { patientSource } from "./patient-source.ts";
import { rulesOf } from "./rules.ts";

/** What handling one message needs of the world. */
export interface ExportContext {
  readonly catalog: Catalog;
  readonly bucket: R2Bucket;
  readonly results: Queue<ExportFinished>;
  /** Where the message goes that lets another invocation go on. */
  readonly exports: Queue<ExportRequested>;
  /** The Worker's environment, in which the source databases are found by the name of their binding. */
  readonly bindings: Readonly<Record<string, unknown>>;
  readonly environment: string;
  /** The key of the digests that rules ask for; null when there is none. */
  readonly redactionKey: string | null;
  /** What one invocation may use: milliseconds, and D1 queries. */
  readonly limits: { readonly milliseconds: number; readonly queries: number };
  readonly clock: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly random: () => number;
  /** Names this delivery in the lease; unlike any other. */
  readonly holder: string;
  readonly log: Log;
}

/** The tick leaves a task alone for this long after its retry is due: the queue has it. */
const RETRY_GRACE = 10 * MINUTE;

/** How often a message waits for somebody else's lease before it is dropped; the tick finds the task if it must. */
const MAX_SNOOZES = 3;

/** Handles one `export-requested`: claims the task, makes the backup, reports it. */
export async function exportTask(
  message: ExportRequested,
  context: ExportContext & { readonly attempts: number },
): Promise<Outcome> {
  const { catalog, holder, clock, log } = context;
  const task: TaskRef = { job: message.job, database: message.database, generation: message.generation };
  const claim = await claimTask(catalog, { task, holder, now: clock() });
  switch (claim.end) {
    case "settled":
      return DONE;
    case "failed": {
      // Another copy of the message was out of attempts before this one had reported what it made.
      const backup = await findBackup(context.bucket, { ref: refOfTask({ ...claim, ...task }), ...task });
      if (backup !== null) await report(backup, { task, context });
      return DONE;
    }
    case "unknown":
      return {
        end: "dead",
        error: new PatinaError("unknown_task", `Cannot export: job "${task.job}" has no task for "${task.database}"`),
      };
    case "held": {
      if (message.snoozes >= MAX_SNOOZES) return DONE;
      return { end: "snooze", delaySeconds: Math.max(1, Math.ceil((claim.until - clock()) / 1_000)) };
    }
    case "claimed":
      break;
  }
  log.info({ ...task, attempt: claim.attempt }, "Export started");
  try {
    const ref = refOfTask({ ...claim, ...task });
    const checkpoints = new CheckpointStore(context.bucket, task);
    const made = await backupOf({ ref, task, context, checkpoints, claim });
    if (made.end === "paused") {
      const checkpoint = await checkpoints.put(made.checkpoint);
      const nextAttemptAt = clock() + RETRY_GRACE;
      await pauseTask(catalog, { task, holder, now: clock(), nextAttemptAt, checkpoint });
      await context.exports.send(encode({ ...message, snoozes: 0 }));
      log.info({ ...task }, "Export goes on in another invocation");
      return DONE;
    }
    if (claim.checkpoint !== null) await checkpoints.remove();
    await report(made.backup, { task, context });
    return DONE;
  } catch (thrown) {
    return await giveBack({ task, error: catalogFailure(thrown), snoozes: message.snoozes, context });
  }
}

type Claimed = Extract<Claim, { end: "claimed" }>;

/** The backup, if an earlier delivery has finished it; else it is made, from where an earlier invocation stopped. */
async function backupOf(options: {
  ref: BackupRef;
  task: TaskRef;
  context: ExportContext;
  checkpoints: CheckpointStore;
  claim: Claimed;
}): Promise<Made> {
  const { ref, task, context, checkpoints, claim } = options;
  const { bucket, catalog, clock, environment, limits, sleep, random } = context;
  const backup = await findBackup(bucket, { ref, ...task });
  if (backup !== null) return { end: "finished", backup };
  const { entry, database } = await findSource(task.database, context);
  const budget = new Budget({ until: clock() + limits.milliseconds, queries: limits.queries }, clock);
  const checkpoint = claim.checkpoint === null ? null : await checkpoints.get();
  const key = dumpKey(ref);
  const uploads = uploadsOf(catalog, { key, clock });
  // Whatever an invocation that stopped has left behind cannot be continued without its checkpoint.
  if (checkpoint === null) await abortUploads(bucket, { key, uploads });
  return await makeBackup(
    {
      ref,
      job: task.job,
      generation: task.generation,
      environment,
      source: patientSource(d1Source(task.database, database), { budget, sleep, random }),
      isCertain: entry.certain,
      rules: rulesOf(entry),
      catalog: catalogFacts(claim, entry),
      redactionKey: context.redactionKey,
      bucket,
      uploads,
      budget,
      clock,
    },
    checkpoint,
  );
}

async function report({ key, manifest }: Backup, { task, context }: { task: TaskRef; context: ExportContext }) {
  const { catalog, holder, clock, results, log } = context;
  await noteExported(catalog, { task, holder, now: clock() });
  await results.send(encode({ kind: "export-finished", version: 1, ...task, manifest: key } satisfies ExportFinished));
  const { rows, consistency, object } = manifest;
  log.info({ ...task, rows, consistency, storedBytes: object.bytes }, "Export finished");
}

/**
 * The database behind the binding of a registered one, and the rules of its backups.
 *
 * @throws {PatinaError} `source_missing`, `source_unusable`, `rule_refused`
 */
export async function findSource(
  name: string,
  { catalog, bindings }: Pick<ExportContext, "catalog" | "bindings">,
): Promise<{ entry: RegisteredDatabase; database: D1Database }> {
  const entry = await findDatabase(catalog, name);
  if (entry === undefined) {
    throw new PatinaError("source_missing", `Cannot read database "${name}": it is no longer in the registry`);
  }
  if (entry.blockedReason !== null) {
    throw new PatinaError("source_unusable", `Cannot read database "${name}": ${entry.blockedReason}`);
  }
  const database = bindings[entry.binding];
  if (!isDatabase(database)) {
    throw new PatinaError("source_missing", `Cannot read database "${name}": no binding "${entry.binding}"`);
  }
  return { entry, database };
}

/** Ends a failed attempt: the task is free again, with the reason, and the message goes where the error table says. */
async function giveBack(options: {
  task: TaskRef;
  error: PatinaError;
  snoozes: number;
  context: ExportContext & { readonly attempts: number };
}): Promise<Outcome> {
  const { task, error, snoozes, context } = options;
  const { catalog, holder, clock, attempts } = context;
  const outcome = outcomeOfDelivery(error, { attempts, snoozes });
  const delay = "delaySeconds" in outcome ? outcome.delaySeconds * 1_000 : 0;
  await releaseTask(catalog, {
    task,
    holder,
    now: clock(),
    nextAttemptAt: clock() + delay + RETRY_GRACE,
    event: outcome.end === "dead" ? "dead" : "retried",
    errorCode: error.code,
    error: error.message,
  });
  const { next } = ERROR_CODES[error.code];
  context.log.warn({ ...task, error, next }, "Export failed");
  return outcome;
}
