import { env } from "cloudflare:test";
import { decodeArchiveManifest, lacking } from "@patina/archive/archive-index";
import { backupFacts } from "@patina/archive/backup-facts";
import { catalogFacts } from "@patina/archive/catalog-facts";
import { archiveKey, type BackupRef, manifestKey } from "@patina/archive/keys";
import type { Manifest } from "@patina/archive/manifest";
import { closeWeeklyJob } from "@patina/catalog/archive-closing";
import type { Catalog } from "@patina/catalog/catalog";
import { closeJobs } from "@patina/catalog/closing";
import { findDatabase } from "@patina/catalog/databases";
import { openManualJob, openScheduledJob } from "@patina/catalog/jobs";
import { settleTasks } from "@patina/catalog/results";
import { claimTask } from "@patina/catalog/tasks";
import { openWeeklyJob } from "@patina/catalog/weekly-jobs";
import { MINUTE, SECOND, timestamp } from "@patina/core/date";
import { storeBackup } from "./testing.ts";
import { runUpkeep, testArchiver } from "./testing-archiver.ts";

/** For tests inside workerd: jobs as all Workers together run them, on times that are made up. */

/** How a database of a job ended: rows that were backed up, or null for a failure. */
type RowsOf = (database: string) => readonly string[] | null;

export interface Run {
  readonly date: string;
  readonly names: readonly string[];
  readonly rowsOf: RowsOf;
  /** What its manifests say otherwise. */
  readonly change?: (database: string) => Partial<Manifest>;
}

/** The nightly job of a date, over every database that is enabled. */
export async function runNight(catalog: Catalog, run: Run): Promise<void> {
  const { date } = run;
  const now = Date.parse(`${date}T03:00:00Z`);
  const id = `nightly-${date}`;
  await openScheduledJob(catalog, { id, kind: "nightly", trigger: "cron", date, scheduledFor: now, now: now + SECOND });
  await runTasks(catalog, { ...run, job: id, now: now + SECOND });
}

/** A manual job that somebody asked for at some time of a date. */
export async function runManual(catalog: Catalog, run: Run & { job: string; at: number }): Promise<void> {
  const { job: id, date, at, names } = run;
  const job = {
    id,
    kind: "manual",
    trigger: "api",
    date,
    scheduledFor: at,
    now: at,
    reason: "before the move",
  } as const;
  await openManualJob(catalog, { job, names });
  await runTasks(catalog, { ...run, now: at });
}

async function runTasks(catalog: Catalog, run: Run & { job: string; now: number }): Promise<void> {
  const { job, date, names, rowsOf, change = () => ({}), now } = run;
  for (const [i, database] of names.entries()) {
    const at = now + i * MINUTE;
    const task = { job, database, generation: 1 };
    const claim = await claimTask(catalog, { task, holder: `${job} ${database}`, now: at });
    const entry = await findDatabase(catalog, database);
    if (claim.end !== "claimed" || entry === undefined) throw new TypeError(`Cannot claim ${job} ${database}`);
    const rows = rowsOf(database);
    if (rows === null) {
      const failed = { status: "failed", task, errorCode: "source_failed", error: "Cannot read it" } as const;
      await settleTasks(catalog, { results: [failed], now: at + SECOND });
      continue;
    }
    const ref: BackupRef = job.startsWith("nightly")
      ? { kind: "daily", date, database }
      : { kind: "manual", date, job, database };
    const times = { startedAt: timestamp(at), finishedAt: timestamp(at + 1_500) };
    const facts = { environment: "local", catalog: catalogFacts(claim, entry), ...times };
    const manifest = await storeBackup(ref, { rows, change: { ...facts, ...change(database) } });
    const result = { status: "succeeded", task, manifestKey: manifestKey(ref), ...backupFacts(manifest) } as const;
    await settleTasks(catalog, { results: [result], now: at + 2 * SECOND });
  }
  await closeJobs(catalog, { jobIds: [job], holder: job, now: now + names.length * MINUTE });
}

/** The weekly archive of the week that ends on a Sunday, read back, and its job closed. */
export async function runWeekly(catalog: Catalog, { week, sunday }: { week: string; sunday: string }): Promise<void> {
  const now = Date.parse(`${sunday}T04:00:00Z`);
  const id = `weekly-${sunday}`;
  await openWeeklyJob(catalog, { id, trigger: "cron", date: sunday, scheduledFor: now, now: now + SECOND });
  const archiver = testArchiver();
  const dead = await runUpkeep(archiver, { kind: "archive-week", version: 1, job: id, snoozes: 0 });
  const stored = await env.BUCKET.get(archiveKey({ is: "manifest", week }));
  if (dead.length > 0 || stored === null) throw new TypeError(`Cannot archive ${week}`);
  const manifest = decodeArchiveManifest(await stored.text());
  const { object, digest, backups, missing, rawBytes } = manifest;
  const verifiedAt = Date.parse(manifest.verifiedAt);
  const error = lacking(manifest);
  const { key, bytes, etag } = object;
  const made = { status: "made", key, bytes, digest, etag, verifiedAt, backups, rawBytes, error } as const;
  const end = { ...made, missing: missing.length };
  await closeWeeklyJob(catalog, { job: id, end, holder: id, now: verifiedAt + SECOND });
}
