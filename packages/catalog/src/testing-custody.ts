import type { Verdict } from "@patina/core/drill";
import { datesOf } from "@patina/core/week";
import { closeWeeklyJob } from "./archive-closing.ts";
import {
  type CheckedMember,
  noteAllChecked,
  noteChecked,
  notePlanned,
  noteWhole,
  noteWritten,
  openArchive,
} from "./archives.ts";
import type { Catalog } from "./catalog.ts";
import { endDrill, noteDrill, openDrills } from "./drills.ts";
import { advancePlan, closePlan, findPlan, type NewStep, openPlan } from "./prune-plans.ts";
import { noteSteps } from "./prune-steps.ts";
import { transaction } from "./transaction.ts";
import { findVerifyRun, openVerifyRun, progressStatement, type VerifyProgress } from "./verify-runs.ts";
import { openWeeklyJob } from "./weekly-jobs.ts";

/** For tests: what became of stored backups, written the way the archiver writes it. */

const DIGEST = "0123456789abcdef".repeat(4);

/** A week's archive of these databases, read back whole; a day's backups are a page each. Lacks what `missing` says. */
export async function seedArchive(
  catalog: Catalog,
  options: { week: string; names: readonly string[]; now: number; missing?: number },
): Promise<void> {
  const { week, names, now, missing = 0 } = options;
  const dates = datesOf(week);
  const sunday = dates[6] ?? "";
  const job = `weekly-${sunday}`;
  await openWeeklyJob(catalog, { id: job, trigger: "cron", date: sunday, scheduledFor: now, now });
  let archive = await openArchive(catalog, { week, jobId: job, date: dates[0] ?? "", now });
  const bytes = 1_000;
  for (const [number, date] of dates.entries()) {
    const backups = names.length * (number + 1);
    const planned = { date: dates[number + 1] ?? null, after: null, sumsBytes: 0, backups };
    archive = await notePlanned(catalog, {
      archive,
      page: { number, date, start: number * names.length * bytes, entries: names.length * 2 + 1, digest: DIGEST },
      planned: { ...planned, bytes: backups * bytes, rawBytes: backups * bytes * 4 },
      now,
    });
  }
  const size = names.length * dates.length * bytes;
  archive = await noteWhole(catalog, { archive, bytes: size, now });
  archive = await noteWritten(catalog, { archive, etag: `etag of ${week}`, now });
  for (const [number, date] of dates.entries()) {
    const members = names.map((database, i): CheckedMember => {
      const offset = (number * names.length + i) * bytes;
      const place = { offset, bytes, manifestOffset: offset + 900, manifestBytes: 100 };
      const key = `daily/${date}/${database}.sql.gz`;
      const finishedAt = Date.parse(`${date}T03:00:00Z`);
      return { database, date, ...place, digest: DIGEST, rawBytes: bytes * 4, finishedAt, key, etag: "etag" };
    });
    archive = await noteChecked(catalog, { archive, number, members, now });
  }
  await noteAllChecked(catalog, { archive, now });
  const end = {
    status: "made",
    key: `weekly/${week}.tar.gz`,
    bytes: size,
    digest: DIGEST,
    etag: `etag of ${week}`,
    verifiedAt: now,
    backups: names.length * dates.length,
    missing,
    rawBytes: size * 4,
    error: missing === 0 ? null : `The archive lacks ${missing}`,
  } as const;
  await closeWeeklyJob(catalog, { job, end, holder: "seed", now });
}

/** A drill of a backup that has ended. */
export async function seedDrill(
  catalog: Catalog,
  options: { id: string; database: string; date: string; verdict: Verdict; now: number; restoreMs?: number },
): Promise<void> {
  const { id, database, date, verdict, now, restoreMs = 1_500 } = options;
  const jobId = `nightly-${date}`;
  await openDrills(catalog, { wanted: [{ id, database, date, jobId, cause: "monthly" }], now: now - 60_000 });
  const key = `daily/${date}/${database}.sql.gz`;
  await noteDrill(catalog, id, { now: now - 30_000, date, jobId, key });
  const reason = verdict === "passed" ? null : 'Table "posts" has 9 rows, and 10 were backed up';
  const checks = [
    { name: "object", end: "passed", findings: [] },
    { name: "rows", end: verdict, findings: reason === null ? [] : [reason] },
  ] as const;
  const counts = { rows: 10, bytes: 2_000, rowsWritten: 20, restoreMs, schemaDigest: DIGEST };
  await endDrill(
    catalog,
    { id, database, verdict, reason, checks, ...counts, subject: { key, etag: "etag" }, copy: null },
    now,
  );
}

/** A verification that came as far as is said. */
export async function seedVerification(
  catalog: Catalog,
  options: { id: string; progress: Partial<VerifyProgress>; now: number; isDone: boolean },
): Promise<void> {
  const { id, progress, now, isDone } = options;
  await openVerifyRun(catalog, { run: { id, scope: "due", database: null, date: null }, now: now - 60_000 });
  const from = await findVerifyRun(catalog, id);
  if (from === undefined) throw new TypeError(`Cannot find verification "${id}"`);
  await transaction(catalog, [progressStatement({ from, to: { ...from, ...progress }, now, isDone })]);
}

/** A prune with these steps, all of them taken. */
export async function seedPrune(
  catalog: Catalog,
  options: { id: string; jobId: string | null; steps: readonly NewStep[]; kept: number; now: number },
): Promise<void> {
  const { id, jobId, steps, kept, now } = options;
  await openPlan(catalog, { id, jobId, now: now - 60_000 });
  const plan = await findPlan(catalog, id);
  if (plan === undefined) throw new TypeError(`Cannot find prune "${id}"`);
  const to = { phase: "ageing", cursor: null, decidedAt: now, added: { kept, removing: steps.length } } as const;
  const advanced = await advancePlan(catalog, { plan, to, steps, now });
  await noteSteps(catalog, { plan: id, ends: steps.map(({ key }) => ({ key, state: "done" })), now });
  await closePlan(catalog, { plan: advanced, state: "done", now });
}
