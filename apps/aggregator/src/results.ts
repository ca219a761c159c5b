import { decodeManifest, type Manifest } from "@patina/archive/manifest";
import { closeWeeklyJob } from "@patina/catalog/archive-closing";
import type { Catalog } from "@patina/catalog/catalog";
import { ensureChannel } from "@patina/catalog/channels";
import { closeJobs } from "@patina/catalog/closing";
import { handOverAlerts } from "@patina/catalog/outbox";
import { type Result, type Succeeded, settleTasks } from "@patina/catalog/results";
import { noteUnreadResult } from "@patina/catalog/tasks";
import { PatinaError, toPatinaError } from "@patina/core/error";
import { DONE, type Outcome, outcomeOf } from "@patina/core/outcome";
import type { AlertDue, ExportFinished, MessageOn } from "@patina/messages/message";
import type { QUEUES } from "@patina/messages/queues";
import type { Log } from "@patina/worker/log";
import { type EndedArchive, endedArchive } from "./archives.ts";
import { givenUp, succeededWith } from "./ended-task.ts";
import { type AlertSecrets, namedChannels } from "./secrets.ts";

export type ResultMessage = MessageOn[typeof QUEUES.results];

export interface AggregatorContext {
  readonly catalog: Catalog;
  readonly bucket: R2Bucket;
  readonly alerts: Queue<AlertDue>;
  readonly secrets: AlertSecrets;
  readonly clock: () => number;
  /** Names this invocation; unlike any other. */
  readonly holder: string;
  readonly log: Log;
}

/**
 * Writes the results that arrived, closes the jobs that are complete with them, and sends their alerts on. Every step
 * may be done again: whatever is settled already changes nothing.
 *
 * @returns how each message ended, in their order
 */
export async function handleResults(
  messages: readonly { readonly body: ResultMessage; readonly attempts: number }[],
  context: AggregatorContext,
): Promise<Outcome[]> {
  const read = await Promise.all(messages.map(({ body }) => resultOf(body, context)));
  const results = read.flatMap((found) => (found.end === "result" ? [found.result] : []));
  await settleTasks(context.catalog, { results, now: context.clock() });
  const outcomes = read.map((found, i): Outcome => {
    return found.end === "failed" ? outcomeOf(found.error, messages[i]?.attempts ?? 1) : DONE;
  });
  for (const [i, outcome] of outcomes.entries()) {
    const task = messages[i]?.body;
    if (outcome.end !== "retry" || task?.kind !== "export-finished") continue;
    await noteUnreadResult(context.catalog, { task, error: outcome.error, now: context.clock() });
  }
  const jobIds = messages.filter((_, i) => outcomes[i]?.end === "done").map(({ body }) => body.job);
  const archives = read.flatMap((found) => (found.end === "archive" ? [found.archive] : []));
  await closeAndAlert({ jobIds: [...new Set(jobIds)], archives }, context);
  return outcomes;
}

/** Closes the weekly jobs that ended and those of the jobs whose last task has, and hands their alerts to the queue. */
export async function closeAndAlert(
  { jobIds, archives }: { jobIds: readonly string[]; archives: readonly EndedArchive[] },
  context: AggregatorContext,
): Promise<void> {
  const { catalog, holder, clock, log } = context;
  for (const channel of namedChannels(context.secrets)) await ensureChannel(catalog, { ...channel, now: clock() });
  for (const archive of archives) {
    if (await closeWeeklyJob(catalog, { ...archive, holder, now: clock() }))
      log.info({ job: archive.job }, "Job closed");
  }
  const closed = await closeJobs(catalog, { jobIds, holder, now: clock() });
  for (const job of closed) log.info({ job }, "Job closed");
  await handOverAlerts(catalog, { queue: context.alerts, now: clock() });
}

type Read =
  | { readonly end: "result"; readonly result: Result }
  | { readonly end: "archive"; readonly archive: EndedArchive }
  | { readonly end: "nothing" }
  | { readonly end: "failed"; readonly error: PatinaError };

/** What a message says of how its task or its archive ended. */
export async function resultOf(message: ResultMessage, context: AggregatorContext): Promise<Read> {
  const { bucket } = context;
  switch (message.kind) {
    case "job-check":
      return { end: "nothing" };
    case "export-abandoned": {
      const { job, database, generation } = message;
      const task = { job, database, generation };
      return {
        end: "result",
        result: await givenUp({ status: "failed", task, errorCode: null, error: null }, context),
      };
    }
    case "archive-finished":
      try {
        return { end: "archive", archive: endedArchive(message, await readText(message.manifest, bucket)) };
      } catch (thrown) {
        return { end: "failed", error: toPatinaError(thrown) };
      }
    case "export-finished":
      try {
        const manifest = decodeManifest(await readText(message.manifest, bucket));
        return { end: "result", result: succeeded(message, manifest) };
      } catch (thrown) {
        return { end: "failed", error: toPatinaError(thrown) };
      }
  }
}

/** The manifest, not the message, says what was stored: without it there is no backup. */
async function readText(key: string, bucket: R2Bucket): Promise<string> {
  let object: R2ObjectBody | null;
  try {
    object = await bucket.get(key);
  } catch (cause) {
    throw new PatinaError("bucket_unavailable", `Cannot read manifest "${key}"`, { cause });
  }
  if (object === null) throw new PatinaError("manifest_missing", `Cannot read manifest "${key}": it is not there`);
  return await object.text();
}

function succeeded(message: ExportFinished, manifest: Manifest): Succeeded {
  const { job, database, generation } = message;
  if (manifest.job !== job || manifest.database !== database) {
    throw new PatinaError("manifest_invalid", `Cannot use manifest "${message.manifest}": it is of another backup`);
  }
  return succeededWith({ key: message.manifest, manifest }, { job, database, generation });
}
