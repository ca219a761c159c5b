import type { Catalog } from "@patina/catalog/catalog";
import { markSent, type Task, unsentTasks } from "@patina/catalog/tasks";
import { type ExportRequested, encode, sizeOf } from "@patina/messages/message";
import { MAX_BATCH_BYTES, MAX_BATCH_MESSAGES } from "@patina/messages/queues";

/**
 * Sends one message for every task of a job that has none yet, most urgent first. Stopping half-way loses nothing: what
 * was sent but not noted is sent again, and a task takes only one of two messages.
 *
 * @returns how many were sent
 */
export async function fanOut(
  jobId: string,
  { catalog, exports, clock }: { catalog: Catalog; exports: Queue<ExportRequested>; clock: () => number },
): Promise<number> {
  const tasks = await unsentTasks(catalog, jobId);
  for (const chunk of chunks(tasks.map(requestFor))) {
    await exports.sendBatch(chunk.map((body) => ({ body })));
    await markSent(catalog, { jobId, names: chunk.map(({ database }) => database), now: clock() });
  }
  return tasks.length;
}

/** The message that stands for a task. */
export function requestFor({ jobId, database, generation }: Task): ExportRequested {
  return encode({ kind: "export-requested", version: 1, job: jobId, database, generation, snoozes: 0 });
}

/** Cuts messages into what sendBatch takes: at most 100 messages and 256 KB. */
export function chunks(messages: readonly ExportRequested[]): ExportRequested[][] {
  const cut: ExportRequested[][] = [];
  let chunk: ExportRequested[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = sizeOf(message);
    if (chunk.length === MAX_BATCH_MESSAGES || (chunk.length > 0 && bytes + size > MAX_BATCH_BYTES)) {
      cut.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(message);
    bytes += size;
  }
  if (chunk.length > 0) cut.push(chunk);
  return cut;
}
