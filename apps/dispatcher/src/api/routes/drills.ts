import { listDatabases } from "@patina/catalog/databases";
import { drillTrend, listDrills } from "@patina/catalog/drill-list";
import { findDrill } from "@patina/catalog/drills";
import { timestamp } from "@patina/core/date";
import { VERDICTS } from "@patina/core/drill";
import { CAUSES, chooseDrills } from "@patina/core/drill-schedule";
import { PatinaError } from "@patina/core/error";
import * as v from "valibot";
import { askForDrills, dueDrills } from "../../drills.ts";
import { auditEntry } from "../audited.ts";
import { Count, DatabaseName, Day, Time } from "../fields.ts";
import { operation } from "../operation.ts";
import { PAGE, pageOf, pageSize, paging } from "../page.ts";
import { DRILL_STATES, Drill, DrillWithChecks, drillView, drillWithChecksView } from "../views/drill.ts";

const TAG = "Drills";

/** Drills of a trend, and of an answer that names those it opened. */
const TREND = 30;
const SHOWN = 100;

const list = operation({
  method: "GET",
  path: "/drills",
  tag: TAG,
  summary: "Drills, the newest first: which backups were really restored, and what came of it",
  query: {
    database: v.optional(DatabaseName),
    date: v.optional(Day),
    state: v.optional(v.picklist(DRILL_STATES)),
    cause: v.optional(v.picklist(CAUSES)),
    verdict: v.optional(v.picklist(VERDICTS)),
    ...paging(v.strictTuple([v.number(), v.string()])),
  },
  answer: v.strictObject({
    drills: v.array(Drill),
    trend: v.pipe(
      v.nullable(v.array(v.strictObject({ at: Time, restore_ms: Count, bytes: Count, verdict: v.picklist(VERDICTS) }))),
      v.description("Of one database: how long its last 30 restores took, the oldest first. Null without `database`."),
    ),
    ...PAGE,
  }),
  async handle(c, { query: { limit: asked, cursor, ...filter } }) {
    const { catalog } = c.get("context");
    const { limit, read } = pageSize(asked);
    const found = await listDrills(catalog, {
      filter,
      after: cursor === undefined ? undefined : { createdAt: cursor[0], id: cursor[1] },
      limit: read,
    });
    const page = pageOf(found, { limit, placeOf: (last) => [last.createdAt, last.id] });
    const { database } = filter;
    const trend = database === undefined ? null : await drillTrend(catalog, { database, limit: TREND });
    return {
      drills: page.entries.map(drillView),
      trend:
        trend?.map(({ at, restoreMs, ...point }) => ({ ...point, at: timestamp(at), restore_ms: restoreMs })) ?? null,
      next_cursor: page.next_cursor,
    };
  },
});

const budget = operation({
  method: "GET",
  path: "/drills/budget",
  tag: TAG,
  summary: "What drills may write this month, what they have written, and which databases wait for it",
  answer: v.strictObject({
    month: v.pipe(v.string(), v.description("In UTC, such as 2026-11.")),
    rows: v.pipe(Count, v.description("Rows that scheduled drills may write; the platform bills rows written.")),
    used: v.pipe(Count, v.description("Rows written, with those that drills under way are expected to write.")),
    left: Count,
    due: v.pipe(Count, v.description("Databases whose drill is due.")),
    waiting: v.pipe(Count, v.description("Those of them that the budget is too small for.")),
  }),
  async handle(c) {
    const { due, budget: found } = await dueDrills(c.get("context"));
    const { month, rows, used } = found;
    const { held } = chooseDrills(due, { room: Number.POSITIVE_INFINITY, rows: rows - used });
    const left = Math.max(0, rows - used);
    return { month: timestamp(month).slice(0, 7), rows, used, left, due: due.length, waiting: held };
  },
});

const one = operation({
  method: "GET",
  path: "/drills/:id",
  tag: TAG,
  summary: "One drill with everything that it looked at",
  params: { id: v.string() },
  answer: DrillWithChecks,
  problems: ["not_found"],
  async handle(c, { params: { id } }) {
    const found = await findDrill(c.get("context").catalog, id);
    if (found === undefined) throw new PatinaError("not_found", "Cannot find this drill");
    return drillWithChecksView(found);
  },
});

const ask = operation({
  method: "POST",
  path: "/drills",
  tag: TAG,
  summary: "Really restore backups into scratch databases, and compare",
  description:
    "Of one database, its newest backup or that of a date; without a database, the newest of every one that is not paused. Drills that are asked for do not wait for the month's budget, and count towards it. A database with a drill under way gets no second one.",
  body: { database: v.optional(DatabaseName), date: v.optional(Day) },
  status: 202,
  answer: v.strictObject({
    opened: Count,
    drills: v.pipe(v.array(Drill), v.description("Those that were opened, 100 at most.")),
    already_running: v.array(v.strictObject({ database: DatabaseName, drill: v.string() })),
    without_backup: v.array(DatabaseName),
  }),
  problems: ["not_found", "conflict"],
  async handle(c, { body: { database, date = null }, seed }) {
    const context = c.get("context");
    if (database === undefined && date !== null) {
      throw new PatinaError("invalid_request", 'Cannot read request: it has a "date" without a "database"');
    }
    const registered = await listDatabases(context.catalog);
    const names =
      database === undefined
        ? registered.filter(({ enabled }) => enabled).map(({ name }) => name)
        : registered.filter(({ name }) => name === database).map(({ name }) => name);
    if (database !== undefined && names.length === 0) {
      throw new PatinaError("not_found", "Cannot drill: no database of this name is registered");
    }
    const { opened, running, without } = await askForDrills(
      {
        names,
        date,
        entropy: seed.entropy,
        at: seed.at,
        audit: (ids) =>
          auditEntry(c, {
            action: "drill.ask",
            subject: database ?? "all",
            detail: { date: date ?? "newest", drills: ids.length === 1 ? ids : ids.length },
          }),
      },
      context,
    );
    if (opened.length === 0 && running.length === 0) {
      throw new PatinaError("not_found", "Cannot drill: there is no such backup");
    }
    const [only] = opened;
    c.header("location", opened.length === 1 && only !== undefined ? `/drills/${only.id}` : "/drills?state=queued");
    return {
      opened: opened.length,
      drills: opened.slice(0, SHOWN).map(drillView),
      already_running: running.map((row) => ({ database: row.database, drill: row.id })),
      without_backup: [...without],
    };
  },
});

export const drills = [list, budget, one, ask];
