import { type PastRun, pastRuns } from "@patina/catalog/backup-history";
import type { Catalog } from "@patina/catalog/catalog";
import { findDatabase } from "@patina/catalog/databases";
import { type DatabaseDrill, listDrills } from "@patina/catalog/drill-list";
import type { DrillRow } from "@patina/catalog/drills";
import { fleetEntries } from "@patina/catalog/fleet";
import { DAY, isDate } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { isDatabaseName } from "@patina/core/job";
import { CRONS, nextRun } from "@patina/core/schedule";
import type { Vault } from "@patina/worker/vault";
import { Hono } from "hono";
import * as v from "valibot";
import { guideFor } from "../api/routes/restore-guide.ts";
import { findBackup } from "../api/vault.ts";
import { type Dashboard, show } from "./app.tsx";
import { DatabasePage } from "./database.tsx";
import { DAYS, daysOf } from "./fleet-days.ts";
import { withStanding } from "./fleet-view.ts";
import { PageNumber } from "./page-number.ts";
import { RestoreGuidePage } from "./restore-guide.tsx";
import { tableRows } from "./table-rows.ts";
import type { Content } from "./table-rows-panel.tsx";

/** Runs of one database that a page lists; older ones are in the bucket as long as retention keeps them. */
const RUNS = 200;

/** Drills whose restore times are plotted; the newest of them says whether the database is proven. */
const DRILLS = 30;

export function databaseRoutes() {
  return new Hono<Dashboard>()
    .get("/databases/:name/restore", async (c) => {
      const { catalog, clock } = c.get("context");
      const name = c.req.param("name");
      if (!isDatabaseName(name)) throw new PatinaError("not_found", "Cannot find this database");
      const date = c.req.query("date");
      const { origin } = new URL(c.req.url);
      const blocks = await guideFor(
        { db: name, date: date !== undefined && isDate(date) ? date : undefined },
        { catalog, vault: c.env.vault, origin, now: clock() },
      );
      return show(c, <RestoreGuidePage frame={c.get("frame")} name={name} blocks={blocks} />);
    })
    .get("/databases/:name", async (c) => {
      const { catalog, clock } = c.get("context");
      const now = clock();
      const name = c.req.param("name");
      const found = isDatabaseName(name) ? await findDatabase(catalog, name) : undefined;
      const [entry] = found === undefined ? [] : await fleetEntries(catalog, [name]);
      if (found === undefined || entry === undefined) throw new PatinaError("not_found", "Cannot find this database");
      const drills = await listDrills(catalog, { filter: { database: name }, limit: DRILLS });
      const row = withStanding(entry, { drill: lastOf(drills), now });
      const days = await daysOf(catalog, { rows: [row], now });
      const runs = await pastRuns(catalog, { database: name, since: now - DAYS * DAY, limit: RUNS });
      const facts = {
        frame: c.get("frame"),
        row,
        binding: found.binding,
        blockedReason: found.blockedReason,
        days: days.get(name) ?? [],
        runs,
        drills,
        content: await contentOf(runs, { name, catalog, vault: c.env.vault }),
        page: v.parse(PageNumber, c.req.query("page")),
        nextRun: nextRun(CRONS.nightly, now),
      };
      return show(c, <DatabasePage {...facts} />, {
        isLive: entry.active !== null || drills.some(({ state }) => state !== "done"),
      });
    });
}

/** The last of a database's drills that has ended: of those that are listed all but one have. */
function lastOf(drills: readonly DrillRow[]): DatabaseDrill | null {
  for (const { id, date, verdict, reason, restoreMs, finishedAt } of drills) {
    if (verdict !== null && finishedAt !== null) return { id, date, verdict, reason, restoreMs, at: finishedAt };
  }
  return null;
}

/** The tables of the newest good backup against those of the one before it, out of their manifests. */
async function contentOf(
  runs: readonly PastRun[],
  { name, catalog, vault }: { name: string; catalog: Catalog; vault: Vault },
): Promise<Content> {
  const [newest, before] = runs.filter(({ isStored, damage }) => isStored && damage === null);
  if (newest === undefined) return { is: "nothing" };
  const manifestOf = async ({ date, job }: PastRun) => {
    return (await findBackup({ database: name, date, job }, { vault, catalog })).manifest;
  };
  try {
    const old = before === undefined ? null : await manifestOf(before);
    const tables = tableRows(await manifestOf(newest), old);
    return { is: "tables", date: newest.date, before: before?.date ?? null, tables };
  } catch (thrown) {
    // The page is about more than this: what cannot be read is said in its place.
    if (thrown instanceof PatinaError) return { is: "unknown", reason: thrown.message };
    throw thrown;
  }
}
