import { DAY, dateOf } from "@patina/core/date";
import { bindingOf, type Consistency } from "@patina/core/job";
import { CRONS, previousRun } from "@patina/core/schedule";
import type { Catalog } from "./catalog.ts";
import { closeJobs } from "./closing.ts";
import { registerDatabase } from "./databases.ts";
import { openScheduledJob } from "./jobs.ts";
import { type Result, settleTasks } from "./results.ts";

/** How a night went for a database, made up by a test. */
export type Night =
  | { readonly end: "good"; readonly bytes: number; readonly ms: number; readonly consistency?: Consistency }
  | { readonly end: "failed"; readonly error: string };

export interface History {
  readonly names: readonly string[];
  /** Nights up to the last one at or before `now`. */
  readonly nights: number;
  readonly now: number;
  /** Null: the run of that night never came. `back` is 0 for the last night. */
  readonly of: (name: string, back: number) => Night | null;
}

/** Results that one transaction settles: the aggregator's batches are of this order. */
const BATCH = 100;

/** For tests: fills a catalog with nights, written the way the aggregator writes them. */
export async function seedHistory(catalog: Catalog, { names, nights, now, of }: History): Promise<void> {
  const last = previousRun(CRONS.nightly, now);
  await seedRegistry(catalog, { names, since: last - (nights - 1) * DAY - 1 });
  for (let back = nights - 1; back >= 0; back -= 1) {
    await seedNight(catalog, { names, scheduledFor: last - back * DAY, of: (name) => of(name, back) });
  }
}

/** Registers databases as of a moment. */
export async function seedRegistry(
  catalog: Catalog,
  { names, since }: { names: readonly string[]; since: number },
): Promise<void> {
  for (const [i, name] of names.entries()) {
    const facts = { binding: bindingOf(name), priority: Math.min(i, 2), description: `Database ${i + 1}` };
    await registerDatabase(catalog, { name, ...facts, environment: "production" }, since);
  }
}

/** One night: its job is opened, its results are settled, and it is closed. */
export async function seedNight(
  catalog: Catalog,
  { names, scheduledFor, of }: { names: readonly string[]; scheduledFor: number; of: (name: string) => Night | null },
): Promise<void> {
  const date = dateOf(scheduledFor);
  const job = `nightly-${date}`;
  const results = names.flatMap((name) => resultOf({ name, job, date, at: scheduledFor }, of(name)));
  if (results.length === 0) return;
  await openScheduledJob(catalog, {
    id: job,
    kind: "nightly",
    trigger: "cron",
    date,
    scheduledFor,
    now: scheduledFor,
  });
  for (let i = 0; i < results.length; i += BATCH) {
    const at = scheduledFor + 1_000 * (1 + i / BATCH);
    await settleTasks(catalog, { results: results.slice(i, i + BATCH), now: at });
  }
  await closeJobs(catalog, { jobIds: [job], holder: "seed", now: scheduledFor + results.length * 20 });
}

function resultOf(
  { name, job, date, at }: { name: string; job: string; date: string; at: number },
  night: Night | null,
): Result[] {
  if (night === null) return [];
  const task = { job, database: name, generation: 1 };
  if (night.end === "failed") return [{ status: "failed", task, errorCode: "source_failed", error: night.error }];
  const key = `daily/${date}/${name}`;
  const digest = "0123456789abcdef".repeat(4);
  return [
    {
      status: "succeeded",
      task,
      kind: "daily",
      date,
      key: `${key}.sql.gz`,
      manifestKey: `${key}.manifest.json`,
      consistency: night.consistency ?? "snapshot",
      tables: 12,
      rows: Math.round(night.bytes / 50),
      rawBytes: night.bytes * 4,
      storedBytes: night.bytes,
      durationMs: night.ms,
      queries: 30,
      rowsRead: Math.round(night.bytes / 40),
      bodyDigest: digest,
      storedDigest: digest,
      etag: "etag",
      warnings: [],
      verifiedAt: null,
      createdAt: at + night.ms,
    },
  ];
}
