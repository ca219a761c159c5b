import { type NewDeadLetter, recordDeadLetters } from "@patina/catalog/dead-letters";
import { failRebuild } from "@patina/catalog/rebuilds";
import { type Failed, type Result, settleTasks } from "@patina/catalog/results";
import { jsonOf, openEnvelope } from "@patina/messages/dead-letter";
import { decode, type Message as PatinaMessage } from "@patina/messages/message";
import { DEAD_QUEUE_OF, MAX_ATTEMPTS_OF, QUEUES } from "@patina/messages/queues";
import type { EndedArchive } from "./archives.ts";
import { givenUp } from "./ended-task.ts";
import { type AggregatorContext, closeAndAlert, resultOf } from "./results.ts";

/**
 * Ends what messages stood for that arrived in a dead-letter queue, and records them: a task whose export or whose result
 * is dead has failed, unless its backup exists, so that its job closes; an alert is given up. The same letter again changes
 * nothing.
 */
export async function handleDeadLetters(
  messages: readonly Message[],
  { queue, ...context }: AggregatorContext & { readonly queue: string },
): Promise<void> {
  const now = context.clock();
  const letters = messages.map((message) => readLetter(message, { queue, now }));
  // First: how its task has ended decides whether a letter is news.
  const results = await Promise.all(letters.map(({ row, message }) => endOf(row, { message, context })));
  await settleTasks(context.catalog, { results: results.filter((result) => result !== null), now });
  await recordDeadLetters(
    context.catalog,
    letters.map(({ row }) => row),
  );
  for (const { row } of letters) {
    context.log.error(
      { id: row.id, queue, job: row.jobId, database: row.database, code: row.errorCode },
      "Dead letter",
    );
  }
  for (const { row, message } of letters) await endRebuild(row, { message, context });
  const archives = letters.flatMap(({ row, message }) => failedArchive(row, message));
  await closeAndAlert({ jobIds: [...new Set(letters.flatMap(({ row }) => row.jobId ?? []))], archives }, context);
}

interface Letter {
  readonly row: NewDeadLetter;
  /** The message it was, where it can be understood. */
  readonly message: PatinaMessage | null;
}

function readLetter(message: Message, { queue, now }: { queue: string; now: number }): Letter {
  const envelope = openEnvelope(message.body);
  const body = envelope === null ? message.body : envelope.body;
  const understood = understand(queue, body);
  const live = liveQueueOf(queue);
  return {
    message: understood,
    row: {
      id: envelope?.id ?? message.id,
      queue: envelope?.queue ?? live ?? queue,
      body: jsonOf(body),
      jobId: understood !== null && "job" in understood ? understood.job : null,
      database: understood !== null && "database" in understood ? understood.database : null,
      generation: understood !== null && "generation" in understood ? understood.generation : null,
      // What the queue itself has buried had all its attempts; `attempts` of the letter counts its own deliveries.
      attempts: envelope?.attempts ?? (live === undefined ? message.attempts : (MAX_ATTEMPTS_OF[live] ?? 1)),
      errorCode: envelope?.error.code ?? null,
      error: envelope?.error.message ?? null,
      sentAt: envelope?.sentAt ?? message.timestamp.getTime(),
      arrivedAt: now,
      alert: understood?.kind === "alert-due" ? { event: understood.event, channel: understood.channel } : null,
    },
  };
}

function liveQueueOf(dead: string) {
  const queues = [QUEUES.exports, QUEUES.results, QUEUES.alerts, QUEUES.upkeep] as const;
  return queues.find((queue) => DEAD_QUEUE_OF[queue] === dead);
}

function understand(queue: string, body: unknown): PatinaMessage | null {
  const live = liveQueueOf(queue);
  if (live === undefined) return null;
  try {
    return decode(live, body);
  } catch {
    // A letter that is no message of ours is recorded as it is; that is what it died of.
    return null;
  }
}

/**
 * How a task ends whose message died; null when it has none. The reason of a failure is the letter's, or else the last one
 * that the task remembers.
 */
async function endOf(
  { errorCode, error }: NewDeadLetter,
  { message, context }: { message: PatinaMessage | null; context: AggregatorContext },
): Promise<Result | null> {
  if (message === null || !("generation" in message)) return null;
  const { job, database, generation } = message;
  const failed: Failed = { status: "failed", task: { job, database, generation }, errorCode, error };
  if (message.kind === "export-requested") return await givenUp(failed, context);
  // What could not be read, or written into the catalog, for hours: it may be by now.
  const read = await resultOf(message, context);
  return read.end === "result" && read.result.status === "succeeded" ? read.result : failed;
}

/** The weekly job whose archive cannot be made; the daily backups that would have gone in are kept. */
function failedArchive({ error }: NewDeadLetter, message: PatinaMessage | null): EndedArchive[] {
  if (message === null || message.kind !== "archive-week") return [];
  const why = error ?? "Cannot make the archive: every attempt failed";
  return [{ job: message.job, end: { status: "failed", error: why } }];
}

/** A rebuild of the catalog that cannot go on says so; what it has added stays. */
async function endRebuild(
  { error, arrivedAt }: NewDeadLetter,
  { message, context }: { message: PatinaMessage | null; context: AggregatorContext },
): Promise<void> {
  if (message === null || message.kind !== "rebuild-catalog") return;
  const why = error ?? "Cannot rebuild the catalog: every attempt failed";
  await failRebuild(context.catalog, { id: message.rebuild, error: why, now: arrivedAt });
}
