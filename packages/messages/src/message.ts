import { isDate } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { isDatabaseName, isJobId } from "@patina/core/job";
import * as v from "valibot";
import { MAX_MESSAGE_BYTES, QUEUES, type QueueName } from "./queues.ts";

/**
 * Every message that travels on a queue: ids and facts, never data of a database. An additive change keeps the version
 * (unknown fields are ignored); anything else is a new version with a stored example in `examples/`.
 */

const JobId = v.pipe(v.string(), v.check(isJobId, "not a job id"));
const DatabaseName = v.pipe(v.string(), v.check(isDatabaseName, "not a database name"));
const CalendarDate = v.pipe(v.string(), v.check(isDate, "not a date"));
const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Generation = v.pipe(v.number(), v.integer(), v.minValue(1));

/** patina-exports: back up one database for one job. Sent by the dispatcher. */
export const ExportRequested = v.object({
  kind: v.literal("export-requested"),
  version: v.literal(1),
  job: JobId,
  database: DatabaseName,
  generation: Generation,
  /** How often this message was put off without costing an attempt. */
  snoozes: v.optional(Count, 0),
});
export type ExportRequested = v.InferOutput<typeof ExportRequested>;

/** patina-results: a manifest is in the bucket. Sent by the exporter; the manifest says everything else. */
export const ExportFinished = v.object({
  kind: v.literal("export-finished"),
  version: v.literal(1),
  job: JobId,
  database: DatabaseName,
  generation: Generation,
  manifest: v.pipe(v.string(), v.maxLength(1_024)),
});
export type ExportFinished = v.InferOutput<typeof ExportFinished>;

/** patina-results: the tick gave a task up that nobody finished. */
export const ExportAbandoned = v.object({
  kind: v.literal("export-abandoned"),
  version: v.literal(1),
  job: JobId,
  database: DatabaseName,
  generation: Generation,
});
export type ExportAbandoned = v.InferOutput<typeof ExportAbandoned>;

/** patina-results: the archive of a weekly job is in the bucket, read back whole. Its manifest says everything else. */
export const ArchiveFinished = v.object({
  kind: v.literal("archive-finished"),
  version: v.literal(1),
  job: JobId,
  manifest: v.pipe(v.string(), v.maxLength(1_024)),
});
export type ArchiveFinished = v.InferOutput<typeof ArchiveFinished>;

/** patina-results: look whether a job can be closed. Sent by the tick for a job whose tasks have all ended. */
export const JobCheck = v.object({
  kind: v.literal("job-check"),
  version: v.literal(1),
  job: JobId,
});
export type JobCheck = v.InferOutput<typeof JobCheck>;

/** patina-alerts: send one alert of the outbox to one channel. */
export const AlertDue = v.object({
  kind: v.literal("alert-due"),
  version: v.literal(1),
  event: v.pipe(v.string(), v.maxLength(200)),
  channel: v.pipe(v.string(), v.maxLength(100)),
});
export type AlertDue = v.InferOutput<typeof AlertDue>;

/** patina-upkeep: make the archive of the week that a weekly job stands for. Sent by the dispatcher. */
export const ArchiveWeek = v.object({
  kind: v.literal("archive-week"),
  version: v.literal(1),
  job: JobId,
  snoozes: v.optional(Count, 0),
});
export type ArchiveWeek = v.InferOutput<typeof ArchiveWeek>;

/** patina-upkeep: make the prune plan of this id, unless it is made already, and carry it out. */
export const Prune = v.object({
  kind: v.literal("prune"),
  version: v.literal(1),
  plan: v.pipe(v.string(), v.regex(/^prune-[0-9a-f-]{1,40}$/)),
  snoozes: v.optional(Count, 0),
});
export type Prune = v.InferOutput<typeof Prune>;

/** patina-upkeep: verify stored backups: one database's, one date's, or, with neither, those that are due. */
export const Verify = v.object({
  kind: v.literal("verify"),
  version: v.literal(1),
  run: v.pipe(v.string(), v.regex(/^verify-[0-9a-f-]{1,40}$/)),
  database: v.optional(v.nullable(DatabaseName), null),
  date: v.optional(v.nullable(CalendarDate), null),
  snoozes: v.optional(Count, 0),
});
export type Verify = v.InferOutput<typeof Verify>;

/** patina-upkeep: restore a backup of a database into scratch and compare: of that date, or the newest. */
export const Drill = v.object({
  kind: v.literal("drill"),
  version: v.literal(1),
  drill: v.pipe(v.string(), v.regex(/^drill-[0-9a-f-]{1,40}$/)),
  database: DatabaseName,
  date: v.optional(v.nullable(CalendarDate), null),
  snoozes: v.optional(Count, 0),
});
export type Drill = v.InferOutput<typeof Drill>;

/** patina-upkeep: rebuild the catalog from the bucket. Sent by the dispatcher when an admin asks for it. */
export const RebuildCatalog = v.object({
  kind: v.literal("rebuild-catalog"),
  version: v.literal(1),
  rebuild: v.pipe(v.string(), v.regex(/^rebuild-[0-9a-f-]{1,40}$/)),
  snoozes: v.optional(Count, 0),
});
export type RebuildCatalog = v.InferOutput<typeof RebuildCatalog>;

const SCHEMAS = {
  [QUEUES.exports]: ExportRequested,
  [QUEUES.results]: v.variant("kind", [ExportFinished, ExportAbandoned, ArchiveFinished, JobCheck]),
  [QUEUES.alerts]: AlertDue,
  [QUEUES.upkeep]: v.variant("kind", [ArchiveWeek, Prune, Verify, Drill, RebuildCatalog]),
} as const;

export type UpkeepMessage = ArchiveWeek | Prune | Verify | Drill | RebuildCatalog;

export type LiveQueue = keyof typeof SCHEMAS;

export interface MessageOn {
  [QUEUES.exports]: ExportRequested;
  [QUEUES.results]: ExportFinished | ExportAbandoned | ArchiveFinished | JobCheck;
  [QUEUES.alerts]: AlertDue;
  [QUEUES.upkeep]: UpkeepMessage;
}

export type Message = MessageOn[LiveQueue];

/** The queue that carries messages of its own, not dead letters. */
export function isLiveQueue(queue: string): queue is LiveQueue {
  return Object.hasOwn(SCHEMAS, queue);
}

/**
 * Checks the size of a message that is about to be sent and gives it back.
 *
 * @throws {PatinaError} `invalid_message` when it would not fit into a queue message
 */
export function encode<M extends Message>(message: M): M {
  const bytes = sizeOf(message);
  if (bytes > MAX_MESSAGE_BYTES) {
    throw new PatinaError(
      "invalid_message",
      `Cannot send message "${message.kind}": ${bytes} bytes, at most ${MAX_MESSAGE_BYTES} fit into a queue message`,
    );
  }
  return message;
}

/** Bytes of a message as the JSON that travels. */
export function sizeOf(message: Message): number {
  return new TextEncoder().encode(JSON.stringify(message)).length;
}

/**
 * Reads the body of a delivered message.
 *
 * @throws {PatinaError} `invalid_message`, naming where the body is wrong but never what it holds
 */
export function decode<Q extends LiveQueue>(queue: Q, body: unknown): MessageOn[Q] {
  const read = v.safeParse(SCHEMAS[queue], body);
  if (read.success) return read.output as MessageOn[Q];
  const places = read.issues.map((issue) => `/${(issue.path ?? []).map((item) => String(item.key)).join("/")}`);
  throw new PatinaError(
    "invalid_message",
    `Cannot decode message on "${queue}": wrong at ${unique(places).join(", ")}`,
  );
}

function unique(texts: string[]): string[] {
  return [...new Set(texts)].slice(0, 5);
}

/** The queue names that DEAD_QUEUE_OF and the Workers may be asked about. */
export function isQueueName(name: string): name is QueueName {
  return (Object.values(QUEUES) as string[]).includes(name);
}
