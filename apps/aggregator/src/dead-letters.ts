import { type NewDeadLetter, recordDeadLetters } from "@patina/catalog/dead-letters";
import { endDelivery } from "@patina/catalog/outbox";
import { type Failed, settleTasks } from "@patina/catalog/results";
import { openEnvelope } from "@patina/messages/dead-letter";
import { decode, type Message as PatinaMessage } from "@patina/messages/message";
import { DEAD_QUEUE_OF, QUEUES } from "@patina/messages/queues";
import type { EndedArchive } from "./archives.ts";
import { type AggregatorContext, closeAndAlert } from "./results.ts";

/**
 * Records what arrived in a dead-letter queue, and ends what it stood for: a task whose export or whose result is dead
 * has failed, so that its job closes; an alert is given up. Recording the same letter again changes nothing.
 */
export async function handleDeadLetters(
  messages: readonly Message[],
  { queue, ...context }: AggregatorContext & { readonly queue: string },
): Promise<void> {
  const now = context.clock();
  const letters = messages.map((message) => readLetter(message, { queue, now }));
  await recordDeadLetters(
    context.catalog,
    letters.map(({ row }) => row),
  );
  const failed = letters.flatMap(({ row, message }) => failureOf(row, message));
  await settleTasks(context.catalog, { results: failed, now });
  for (const { row, message } of letters) {
    context.log.error(
      { id: row.id, queue, job: row.jobId, database: row.database, code: row.errorCode },
      "Dead letter",
    );
    if (message?.kind !== "alert-due") continue;
    const error = row.error ?? "Cannot send alert: every attempt failed";
    await endDelivery(context.catalog, { ref: message, end: { state: "given_up", error }, now });
  }
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
  const task = understood !== null && "job" in understood ? understood : null;
  return {
    message: understood,
    row: {
      id: envelope?.id ?? message.id,
      queue: envelope?.queue ?? liveQueueOf(queue) ?? queue,
      body: JSON.stringify(body),
      jobId: task?.job ?? null,
      database: task !== null && "database" in task ? task.database : null,
      generation: task !== null && "generation" in task ? task.generation : null,
      attempts: envelope?.attempts ?? message.attempts,
      errorCode: envelope?.error.code ?? null,
      error: envelope?.error.message ?? null,
      sentAt: envelope?.sentAt ?? message.timestamp.getTime(),
      arrivedAt: now,
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

/** The result of a task whose message died. Its reason is the letter's, or else the last one the task remembers. */
function failureOf({ errorCode, error }: NewDeadLetter, message: PatinaMessage | null): Failed[] {
  if (message === null || !("generation" in message)) return [];
  const { job, database, generation } = message;
  return [{ status: "failed", task: { job, database, generation }, errorCode, error }];
}

/** The weekly job whose archive cannot be made; the daily backups that would have gone in are kept. */
function failedArchive({ error }: NewDeadLetter, message: PatinaMessage | null): EndedArchive[] {
  if (message === null || message.kind !== "archive-week") return [];
  const why = error ?? "Cannot make the archive: every attempt failed";
  return [{ job: message.job, end: { status: "failed", error: why } }];
}
