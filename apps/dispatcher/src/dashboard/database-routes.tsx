import { pastRuns } from "@patina/catalog/backup-history";
import { findDatabase } from "@patina/catalog/databases";
import { fleetEntries } from "@patina/catalog/fleet";
import { DAY } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { isDatabaseName } from "@patina/core/job";
import { CRONS, nextRun } from "@patina/core/schedule";
import { Hono } from "hono";
import * as v from "valibot";
import { type Dashboard, show } from "./app.tsx";
import { DatabasePage } from "./database.tsx";
import { DAYS, daysOf } from "./fleet-days.ts";
import { withStanding } from "./fleet-view.ts";
import { PageNumber } from "./page-number.ts";

/** Runs of one database that a page lists; older ones are in the bucket as long as retention keeps them. */
const RUNS = 200;

export function databaseRoutes() {
  return new Hono<Dashboard>().get("/databases/:name", async (c) => {
    const { catalog, clock } = c.get("context");
    const now = clock();
    const name = c.req.param("name");
    const found = isDatabaseName(name) ? await findDatabase(catalog, name) : undefined;
    const [entry] = found === undefined ? [] : await fleetEntries(catalog, [name]);
    if (found === undefined || entry === undefined) throw new PatinaError("not_found", "Cannot find this database");
    const row = withStanding(entry, now);
    const days = await daysOf(catalog, { rows: [row], now });
    const facts = {
      frame: c.get("frame"),
      row,
      binding: found.binding,
      blockedReason: found.blockedReason,
      days: days.get(name) ?? [],
      runs: await pastRuns(catalog, { database: name, since: now - DAYS * DAY, limit: RUNS }),
      page: v.parse(PageNumber, c.req.query("page")),
      nextRun: nextRun(CRONS.nightly, now),
    };
    return show(c, <DatabasePage {...facts} />, { isLive: entry.active !== null });
  });
}
