import type { Catalog } from "@patina/catalog/catalog";
import { lastDrills } from "@patina/catalog/drill-list";
import { fleetEntries } from "@patina/catalog/fleet";
import { type Job, lastEndedJob, runningJobs, taskCounts } from "@patina/catalog/jobs";
import { CRONS, nextRun } from "@patina/core/schedule";
import { type Progress, truth } from "@patina/core/truth";
import { Hono } from "hono";
import * as v from "valibot";
import { type Dashboard, show } from "./app.tsx";
import { FleetPage } from "./fleet.tsx";
import { daysOf } from "./fleet-days.ts";
import { arrange, FleetQuery, withStanding } from "./fleet-view.ts";

export function fleetRoutes() {
  return new Hono<Dashboard>().get("/", async (c) => {
    const { catalog, clock } = c.get("context");
    const now = clock();
    const drills = await lastDrills(catalog);
    const all = (await fleetEntries(catalog)).map((entry) =>
      withStanding(entry, { drill: drills.get(entry.name) ?? null, now }),
    );
    const query = v.parse(FleetQuery, c.req.query());
    const part = arrange(all, query);
    const running = await runningJobs(catalog);
    const next = nextRun(CRONS.nightly, now);
    const members = all.map(({ entry, standing }) => ({ name: entry.name, standing, goodAt: entry.good?.at ?? null }));
    const facts = {
      frame: c.get("frame"),
      truth: truth(members, { now, nextRun: next, progress: await progressOf(catalog, running) }),
      all,
      part,
      query,
      days: await daysOf(catalog, { rows: part.rows, now }),
      running,
      last: (await lastEndedJob(catalog)) ?? null,
      nextRun: next,
    };
    return show(c, <FleetPage {...facts} />, { isLive: running.length > 0 });
  });
}

async function progressOf(catalog: Catalog, running: readonly Job[]): Promise<Progress | null> {
  if (running.length === 0) return null;
  const counts = await taskCounts(
    catalog,
    running.map(({ id }) => id),
  );
  const ended = counts.filter(({ state }) => state === "done" || state === "failed");
  return { done: total(ended), total: total(counts) };
}

function total(counts: readonly { readonly count: number }[]): number {
  return counts.reduce((sum, { count }) => sum + count, 0);
}
