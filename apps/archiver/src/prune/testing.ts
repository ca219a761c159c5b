import { env } from "cloudflare:test";
import { decodeArchiveManifest } from "@patina/archive/archive-index";
import { type BackupRef, dumpKey } from "@patina/archive/keys";
import type { Manifest } from "@patina/archive/manifest";
import { closeWeeklyJob } from "@patina/catalog/archive-closing";
import type { Catalog } from "@patina/catalog/catalog";
import { findPlan, openPlan, type PrunePlan, type PruneStep } from "@patina/catalog/prune-plans";
import { listSteps } from "@patina/catalog/prune-steps";
import { adoptStatement } from "@patina/catalog/pruning";
import { backupJobs, ticks } from "@patina/catalog/schema";
import { HOUR, MINUTE } from "@patina/core/date";
import { datesOf } from "@patina/core/week";
import { QUEUES } from "@patina/messages/queues";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { deliver, RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { Budget } from "../budget.ts";
import worker from "../index.ts";
import { goOn } from "../prune.ts";
import { storeBackup } from "../testing.ts";
import type { ArchiverContext } from "../upkeep.ts";

/** For tests inside workerd: nights, archives and prunes at made-up times, all after any object of the test was uploaded. */

/** An archiver whose bindings fail as planned. */
export function archiver(plan: FaultPlan | null = null) {
  const faults = new Faults(plan);
  const upkeep = new RecordedQueue();
  const results = new RecordedQueue();
  const bindings = {
    CATALOG: faultyDatabase(env.CATALOG, faults),
    BUCKET: faultyBinding(env.BUCKET, faults),
    UPKEEP: faultyBinding(upkeep, faults),
    UPKEEP_DEAD: faultyBinding(new RecordedQueue(), faults),
    RESULTS: faultyBinding(results, faults),
    ENVIRONMENT: "local",
  } as unknown as Env;
  return { faults, upkeep, results, handle: (batch: MessageBatch) => worker.queue(batch, bindings) };
}

/** Does something while the clock shows a time, and goes on by `step` each time it is looked at. */
export async function atTime<T>(now: number, act: () => Promise<T>, { step = 1 } = {}): Promise<T> {
  const real = Date.now;
  let at = now;
  Date.now = () => {
    at += step;
    return at;
  };
  try {
    return await act();
  } finally {
    Date.now = real;
  }
}

interface RunOptions {
  readonly now: number;
  readonly by?: ReturnType<typeof archiver>;
  /** Milliseconds by which the clock goes on each time it is looked at: half a minute lets an invocation do little. */
  readonly step?: number;
}

/** Delivers as production does, until acknowledged or dead; leases of attempts that stopped run out in between. */
export async function run(message: unknown, { now, by = archiver(), step = 1 }: RunOptions): Promise<unknown[]> {
  const dead: unknown[] = [];
  for (let waiting = [message]; waiting.length > 0; waiting = by.upkeep.sent.splice(0).map(({ body }) => body)) {
    const options = { queue: QUEUES.upkeep, batchSize: 1, maxAttempts: 5 };
    const handle = async (batch: MessageBatch) => {
      await env.CATALOG.prepare("update leases set expires_at = 0").run();
      await atTime(now, () => by.handle(batch), { step });
    };
    dead.push(...(await deliver(waiting, { ...options, handle })));
  }
  return dead;
}

/** One night: a job that has closed, and the backups it made. */
export async function storeNight(
  catalog: Catalog,
  { date, databases }: { date: string; databases: readonly string[] },
) {
  const at = Date.parse(`${date}T03:00:00Z`);
  await catalog
    .insert(backupJobs)
    .values({
      id: `nightly-${date}`,
      kind: "nightly",
      trigger: "cron",
      date,
      scheduledFor: at,
      startedAt: at,
      finishedAt: at + MINUTE,
      status: "completed",
    })
    .onConflictDoNothing();
  for (const database of databases) await storeKnown(catalog, { kind: "daily", date, database });
}

/** A stored backup that the inventory knows; `change` is what its manifest says otherwise. */
export async function storeKnown(
  catalog: Catalog,
  ref: BackupRef,
  {
    rows = [`${ref.database} on ${ref.date}`],
    change = {},
  }: { rows?: readonly string[]; change?: Partial<Manifest> } = {},
): Promise<Manifest> {
  const manifest = await storeBackup(ref, { rows, change });
  const { object, job, finishedAt } = manifest;
  const { bytes: size, sha256: digest, etag } = object;
  const facts = { job, size, digest, etag, createdAt: Date.parse(finishedAt), verifiedAt: null };
  await catalog.run(adoptStatement({ ...ref, key: dumpKey(ref), ...facts }));
  return manifest;
}

/** The archive of a week, made and reported. */
export async function makeArchive(catalog: Catalog, week: string): Promise<void> {
  const sunday = datesOf(week)[6] ?? "";
  const job = `weekly-${sunday}`;
  const at = Date.parse(`${sunday}T04:00:00Z`);
  const facts = { id: job, kind: "weekly", trigger: "cron", date: sunday, scheduledFor: at, startedAt: at } as const;
  await catalog.insert(backupJobs).values(facts);
  await run({ kind: "archive-week", version: 1, job, snoozes: 0 }, { now: at });
  const text = (await (await env.BUCKET.get(`weekly/${week}.manifest.json`))?.text()) ?? "";
  const { object, digest, verifiedAt, backups, rawBytes } = decodeArchiveManifest(text);
  const end = { ...object, status: "made", digest, verifiedAt: Date.parse(verifiedAt), backups, rawBytes } as const;
  await closeWeeklyJob(catalog, { job, end: { ...end, missing: 0, error: null }, holder: "test", now: at + MINUTE });
}

/** Makes a plan up to where it is decided and stored, and nothing has gone yet. */
export async function decide(catalog: Catalog, { now, id }: { now: number; id: string }): Promise<PrunePlan> {
  await tickTo(catalog, now);
  await openPlan(catalog, { id, jobId: null, now });
  const clock = () => now;
  const context: ArchiverContext = {
    catalog,
    bucket: env.BUCKET,
    upkeep: new RecordedQueue() as unknown as ArchiverContext["upkeep"],
    results: new RecordedQueue() as unknown as ArchiverContext["results"],
    scratch: () => {
      throw new TypeError("Nothing is drilled here");
    },
    budget: new Budget(clock),
    environment: "local",
    clock,
    holder: "test",
    log: createLog("test"),
  };
  let plan = await planOf(catalog, id);
  while (plan.phase !== "acting") {
    await goOn(plan, context);
    plan = await planOf(catalog, id);
  }
  return plan;
}

async function planOf(catalog: Catalog, id: string): Promise<PrunePlan> {
  const found = await findPlan(catalog, id);
  if (found === undefined) throw new TypeError(`There is no plan "${id}"`);
  return found;
}

/** A prune at a time before which the tick has run for long. */
export async function prune(
  catalog: Catalog,
  { now, id, ...options }: RunOptions & { readonly id?: string },
): Promise<PrunePlan> {
  const plan = id ?? `prune-${now.toString(16)}`;
  await tickTo(catalog, now);
  await run({ kind: "prune", version: 1, plan, snoozes: 0 }, { now, ...options });
  return await planOf(catalog, plan);
}

/** The tick has run for long, and last a while before. */
export async function tickTo(catalog: Catalog, now: number): Promise<void> {
  await catalog.delete(ticks);
  await catalog.insert(ticks).values({ id: 1, last: now - HOUR, since: 0 });
}

/** The steps of a plan, as `action key: state`. */
export async function stepsOf(catalog: Catalog, { id }: PrunePlan): Promise<string[]> {
  const steps: PruneStep[] = await listSteps(catalog, { plan: id, filter: {}, limit: 10_000 });
  return steps.map(({ action, key, state }) => `${action} ${key}: ${state}`);
}

/** Keys of all objects in the bucket. */
export async function keysInBucket(prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  for (let cursor: string | undefined, more = true; more; ) {
    const page: R2Objects = await env.BUCKET.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
    keys.push(...page.objects.map(({ key }) => key));
    more = page.truncated;
    cursor = page.truncated ? page.cursor : undefined;
  }
  return keys;
}
