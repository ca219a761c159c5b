import { type CustodyFacts, custodyFacts, verifiedTimes } from "@patina/catalog/custody-facts";
import { countOpenLetters } from "@patina/catalog/dead-letters";
import { type DatabaseDrill, lastDrills } from "@patina/catalog/drill-list";
import { type DrillBudget, drillBudget } from "@patina/catalog/drill-schedule";
import { type FleetEntry, fleetEntries } from "@patina/catalog/fleet";
import { runningJobs, taskCounts } from "@patina/catalog/jobs";
import { VERDICTS } from "@patina/core/drill";
import { TASK_STATES } from "@patina/core/job";
import { CRONS, nextRun } from "@patina/core/schedule";
import { STANDINGS } from "@patina/core/standing";
import { Gauge, Registry } from "prom-client";
import { mediaOperation } from "../operation.ts";
import { standingOfEntry } from "../views/database.ts";

export const metrics = mediaOperation({
  method: "GET",
  path: "/metrics",
  tag: "Service",
  summary: "The same facts for Prometheus, read from the catalog",
  types: ["text/plain"],
  async handle(c) {
    const { catalog, clock } = c.get("context");
    const now = clock();
    const fleet = await fleetEntries(catalog);
    const running = await runningJobs(catalog);
    const counts = await taskCounts(
      catalog,
      running.map((job) => job.id),
    );
    // One for each request: an isolate forgets, and there are many of them.
    const registry = new Registry();
    const sum = (state: string) => counts.reduce((all, row) => all + (row.state === state ? row.count : 0), 0);
    tellFleet(registry, { fleet, now });
    gauge(registry, { name: "patina_jobs_running", help: "Jobs that run." }).set(running.length);
    const tasks = gauge(registry, { name: "patina_tasks", help: "Tasks of the jobs that run.", labels: ["state"] });
    for (const state of TASK_STATES) tasks.set({ state }, sum(state));
    tellCustody(registry, { facts: await custodyFacts(catalog), verified: await verifiedTimes(catalog) });
    tellDrills(registry, { drills: await lastDrills(catalog), budget: await drillBudget(catalog, now) });
    const open = await countOpenLetters(catalog);
    gauge(registry, { name: "patina_dead_letters_open", help: "Dead letters that nobody has dealt with." }).set(open);
    const next = gauge(registry, {
      name: "patina_next_run_timestamp_seconds",
      help: "When a scheduled run begins.",
      labels: ["kind"],
    });
    for (const kind of ["nightly", "weekly"] as const) next.set({ kind }, nextRun(CRONS[kind], now) / 1_000);
    return c.body(await registry.metrics(), 200, { "content-type": registry.contentType });
  },
});

function tellFleet(registry: Registry, { fleet, now }: { fleet: readonly FleetEntry[]; now: number }): void {
  const standings = gauge(registry, {
    name: "patina_databases",
    help: "Databases of the registry, by how they stand.",
    labels: ["standing"],
  });
  for (const standing of STANDINGS) {
    standings.set({ standing }, fleet.filter((entry) => standingOfEntry(entry, now) === standing).length);
  }
  const of = (name: string, help: string) => gauge(registry, { name, help, labels: ["database"] });
  const at = of("patina_last_good_timestamp_seconds", "When the newest good backup was settled.");
  const bytes = of("patina_last_good_stored_bytes", "Stored bytes of the newest good backup.");
  const seconds = of("patina_last_good_duration_seconds", "How long the newest good backup took.");
  const failures = of("patina_failures_since_good", "Runs that have failed since the newest good backup.");
  for (const { name: database, good, failures: count } of fleet) {
    failures.set({ database }, count);
    if (good === null) continue;
    at.set({ database }, good.at / 1_000);
    bytes.set({ database }, good.bytes);
    seconds.set({ database }, good.ms / 1_000);
  }
}

function tellCustody(
  registry: Registry,
  { facts, verified }: { facts: CustodyFacts; verified: ReadonlyMap<string, number> },
): void {
  const { damaged, oldestVerified } = facts;
  gauge(registry, {
    name: "patina_backups_damaged",
    help: "Stored backups, archives included, that were found to be damaged.",
  }).set(damaged);
  if (oldestVerified !== null) {
    gauge(registry, {
      name: "patina_oldest_verified_timestamp_seconds",
      help: "When the stored backup was verified that has waited longest for it; 0 when one never was.",
    }).set(oldestVerified / 1_000);
  }
  const at = gauge(registry, {
    name: "patina_last_good_verified_timestamp_seconds",
    help: "When the newest good backup was last verified; 0 when it never was.",
    labels: ["database"],
  });
  for (const [database, time] of verified) at.set({ database }, time / 1_000);
}

function tellDrills(
  registry: Registry,
  { drills, budget }: { drills: ReadonlyMap<string, DatabaseDrill>; budget: DrillBudget },
): void {
  const of = (name: string, help: string, more: readonly string[] = []) =>
    gauge(registry, { name, help, labels: ["database", ...more] });
  const at = of("patina_last_drill_timestamp_seconds", "When the last drill of a database ended.");
  const ends = of("patina_last_drill_verdict", "How the last drill of a database ended: 1 for its verdict.", [
    "verdict",
  ]);
  const seconds = of("patina_last_drill_restore_seconds", "How long the last drill of a database took to restore.");
  for (const [database, drill] of drills) {
    at.set({ database }, drill.at / 1_000);
    for (const verdict of VERDICTS) ends.set({ database, verdict }, verdict === drill.verdict ? 1 : 0);
    if (drill.restoreMs !== null) seconds.set({ database }, drill.restoreMs / 1_000);
  }
  const budgetHelp = "Rows that scheduled drills may write in this month.";
  gauge(registry, { name: "patina_drill_rows_budget", help: budgetHelp }).set(budget.rows);
  gauge(registry, { name: "patina_drill_rows_used", help: "Rows that drills have written in this month." }).set(
    budget.used,
  );
}

function gauge(
  registry: Registry,
  { name, help, labels = [] }: { name: string; help: string; labels?: readonly string[] },
): Gauge {
  return new Gauge({ name, help, labelNames: [...labels], registers: [registry] });
}
