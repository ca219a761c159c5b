import { timestamp } from "@patina/core/date";
import { JOB_TRIGGERS, type JobTrigger } from "@patina/core/job";
import * as v from "valibot";

/**
 * What a manifest says beside its backup: what the catalog said of the job, the task and the database while the backup was
 * made. Nothing else in the bucket would say it once the catalog is lost.
 */

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Time = v.pipe(v.string(), v.isoTimestamp());

/** How a job was opened. */
export const JobFacts = v.object({
  trigger: v.picklist(JOB_TRIGGERS),
  reason: v.nullable(v.string()),
  scheduledFor: Time,
  startedAt: Time,
  /** Tasks it was opened with. */
  databases: Count,
  /** The job whose failures it makes up for. */
  replayOf: v.nullable(v.string()),
});
export type JobFacts = v.InferOutput<typeof JobFacts>;

const TaskFacts = v.object({
  /** 0 critical, 1 high, 2 normal. */
  priority: Count,
  attempt: Count,
  /** When its first attempt began. */
  startedAt: Time,
});

const Limits = { manualDays: v.number(), maxBytes: v.nullable(v.number()) };

/** A retention policy as core's DumpPolicy; whoever applies it checks its numbers. */
const Retention = v.variant("kind", [
  v.object({ kind: v.literal("age"), ...Limits, dailyDays: v.number() }),
  v.object({
    kind: v.literal("tiers"),
    ...Limits,
    allDays: v.number(),
    daily: v.number(),
    weekly: v.number(),
    monthly: v.number(),
    yearly: v.number(),
  }),
]);

/** The registry's entry; the rules of it are in the manifest's own `rules`, as they were applied. */
const DatabaseFacts = v.object({
  environment: v.string(),
  binding: v.string(),
  shard: Count,
  d1Id: v.nullable(v.string()),
  description: v.string(),
  priority: Count,
  estimatedBytes: v.nullable(Count),
  certain: v.boolean(),
  owner: v.picklist(["registry", "api"]),
  /** Null: what holds for all databases. */
  retention: v.nullable(Retention),
});
export type DatabaseFacts = v.InferOutput<typeof DatabaseFacts>;

export const CatalogFacts = v.object({ job: JobFacts, task: TaskFacts, database: DatabaseFacts });
export type CatalogFacts = v.InferOutput<typeof CatalogFacts>;

/** A task that was claimed, as the catalog has it; times in milliseconds. */
interface ClaimedTask {
  readonly priority: number;
  readonly attempt: number;
  readonly startedAt: number;
  readonly opened: {
    readonly trigger: JobTrigger;
    readonly reason: string | null;
    readonly scheduledFor: number;
    readonly startedAt: number;
    readonly databases: number;
    readonly replayOf: string | null;
  };
}

/** What the manifest of a task's backup says of the task, its job and the registry's entry. */
export function catalogFacts(task: ClaimedTask, entry: DatabaseFacts): CatalogFacts {
  const { opened, priority, attempt, startedAt } = task;
  return {
    job: { ...opened, scheduledFor: timestamp(opened.scheduledFor), startedAt: timestamp(opened.startedAt) },
    task: { priority, attempt, startedAt: timestamp(startedAt) },
    database: v.parse(DatabaseFacts, entry),
  };
}
