import type { RegisteredDatabase } from "@patina/catalog/databases";
import type { DatabaseDrill } from "@patina/catalog/drill-list";
import type { FleetEntry } from "@patina/catalog/fleet";
import { timestamp } from "@patina/core/date";
import { CONSISTENCIES, PRIORITIES } from "@patina/core/job";
import { STANDINGS, standingOf } from "@patina/core/standing";
import { RetentionBody, retentionBodyOf } from "@patina/messages/retention";
import * as v from "valibot";
import { Count, DatabaseName, Time } from "../fields.ts";
import { Proven, provenView } from "./drill.ts";
import { Failure, failureView } from "./job.ts";

/** One database of the registry, and how it stands. */
export const Database = v.strictObject({
  name: DatabaseName,
  environment: v.string(),
  binding: v.string(),
  shard: Count,
  d1_id: v.nullable(v.string()),
  description: v.string(),
  priority: v.picklist(PRIORITIES),
  estimated_bytes: v.nullable(Count),
  enabled: v.boolean(),
  owner: v.pipe(
    v.picklist(["registry", "api"]),
    v.description(
      "Who describes it: the registry file, or the API. What the registry file owns can only be paused here.",
    ),
  ),
  blocked_reason: v.nullable(v.string()),
  retention: v.pipe(
    v.nullable(RetentionBody),
    v.description("What of it is kept how long; null for what holds for all databases, which GET /retention shows."),
  ),
  created_at: Time,
  updated_at: Time,
  standing: v.picklist(STANDINGS),
  last_good: v.nullable(
    v.strictObject({
      job: v.string(),
      at: Time,
      consistency: v.picklist(CONSISTENCIES),
      stored_bytes: Count,
      duration_ms: Count,
    }),
  ),
  failures_since: Count,
  last_failure: v.nullable(v.strictObject({ job: v.string(), at: Time, error: v.nullable(Failure) })),
  active_job: v.nullable(v.string()),
  proven: v.pipe(Proven, v.description("Whether its backups can be restored, as far as the last drill shows.")),
});

export function databaseView(
  entry: RegisteredDatabase,
  { standing, drill, now }: { standing: FleetEntry; drill: DatabaseDrill | null; now: number },
): v.InferOutput<typeof Database> {
  const { active } = standing;
  return {
    name: entry.name,
    environment: entry.environment,
    binding: entry.binding,
    shard: entry.shard,
    d1_id: entry.d1Id,
    description: entry.description,
    priority: PRIORITIES[entry.priority] ?? "normal",
    estimated_bytes: entry.estimatedBytes,
    enabled: entry.enabled,
    owner: entry.owner,
    blocked_reason: entry.blockedReason,
    retention: entry.retention === null ? null : retentionBodyOf(entry.retention),
    created_at: timestamp(entry.createdAt),
    updated_at: timestamp(entry.updatedAt),
    standing: standingOfEntry(standing, now),
    last_good: goodOf(standing),
    failures_since: standing.failures,
    last_failure: failureOf(standing),
    active_job: active?.job ?? null,
    proven: provenView(drill, now),
  };
}

/** How a database stands at a moment. */
export function standingOfEntry(entry: FleetEntry, now: number) {
  const { good, isEnabled, since, failures, active } = entry;
  const known = { isEnabled, since, failures, goodAt: good?.at ?? null, isActive: active !== null };
  return standingOf({ ...known, isFuzzy: good?.consistency === "fuzzy" }, now);
}

export function goodOf({ good }: FleetEntry): v.InferOutput<typeof Database>["last_good"] {
  if (good === null) return null;
  const { job, at, consistency, bytes, ms } = good;
  return { job, at: timestamp(at), consistency, stored_bytes: bytes, duration_ms: ms };
}

export function failureOf({ failure }: FleetEntry): v.InferOutput<typeof Database>["last_failure"] {
  if (failure === null) return null;
  return {
    job: failure.job,
    at: timestamp(failure.at),
    error: failureView(failure.code, { message: failure.message }),
  };
}
