import { lastDrills, listDrills } from "@patina/catalog/drill-list";
import { findDrill } from "@patina/catalog/drills";
import { findVerifyRun, listVerifyRuns } from "@patina/catalog/verify-runs";
import { VERDICTS } from "@patina/core/drill";
import { chooseDrills } from "@patina/core/drill-schedule";
import { PatinaError } from "@patina/core/error";
import { isDatabaseName } from "@patina/core/job";
import { isRunId } from "@patina/core/verification";
import { type Context, Hono } from "hono";
import * as v from "valibot";
import { dueDrills } from "../drills.ts";
import { type Dashboard, show } from "./app.tsx";
import { DrillPage } from "./drill.tsx";
import { DrillsPage } from "./drills.tsx";
import { VerificationPage } from "./verification.tsx";

const PAGE_SIZE = 50;

/** Verifications that are listed beside the drills. */
const RUNS = 10;

/** `1795230000000.drill-0123`: the last drill of the page before. */
const After = v.pipe(
  v.string(),
  v.regex(/^\d{1,16}\.[\w-]{1,64}$/),
  v.transform((text) => {
    const [createdAt = "", id = ""] = text.split(".");
    return { createdAt: Number(createdAt), id };
  }),
);

const Name = v.fallback(v.pipe(v.string(), v.trim(), v.check(isDatabaseName)), "");
const DrillQuery = v.object({ database: Name, verdict: v.fallback(v.picklist([...VERDICTS, "all"]), "all") });
export type DrillQuery = v.InferOutput<typeof DrillQuery>;

/** Of what is to be proven: one database's backup of a date, its newest, or everybody's. */
const Subject = v.object({ date: v.optional(v.string()) });
const Asked = v.object({ already_running: v.array(v.object({ drill: v.string() })) });

export function drillRoutes() {
  return new Hono<Dashboard>()
    .get("/drills", async (c) => {
      const context = c.get("context");
      const { catalog } = context;
      const query = v.parse(DrillQuery, c.req.query());
      const after = v.safeParse(After, c.req.query("after"));
      const found = await listDrills(catalog, {
        filter: {
          database: query.database || undefined,
          verdict: query.verdict === "all" ? undefined : query.verdict,
        },
        after: after.success ? after.output : undefined,
        limit: PAGE_SIZE + 1,
      });
      const drills = found.slice(0, PAGE_SIZE);
      const last = found.length > PAGE_SIZE ? drills.at(-1) : undefined;
      const { due, budget } = await dueDrills(context);
      const { held } = chooseDrills(due, { room: Number.POSITIVE_INFINITY, rows: budget.rows - budget.used });
      const runs = await listVerifyRuns(catalog, { limit: RUNS });
      const facts = {
        frame: c.get("frame"),
        drills,
        query,
        older: last === undefined ? null : hrefOf(query, `${last.createdAt}.${last.id}`),
        lasts: await lastDrills(catalog),
        budget: { ...budget, due: due.length, held },
        runs,
      };
      const isLive = drills.some(({ state }) => state !== "done") || runs.some(({ state }) => state === "running");
      return show(c, <DrillsPage {...facts} />, { isLive });
    })
    .get("/drills/:id", async (c) => {
      const drill = await findDrill(c.get("context").catalog, c.req.param("id"));
      if (drill === undefined) throw new PatinaError("not_found", "Cannot find this drill");
      return show(c, <DrillPage frame={c.get("frame")} drill={drill} />, { isLive: drill.state !== "done" });
    })
    .get("/verify/:id", async (c) => {
      const id = c.req.param("id");
      const run = isRunId(id) ? await findVerifyRun(c.get("context").catalog, id) : undefined;
      if (run === undefined) throw new PatinaError("not_found", "Cannot find this verification");
      return show(c, <VerificationPage frame={c.get("frame")} run={run} />, { isLive: run.state === "running" });
    })
    .post("/drills", (c) => drill(c, {}))
    .post("/verify", (c) => verify(c, {}))
    .post("/databases/:name/drill", async (c) => drill(c, await subjectOf(c)))
    .post("/databases/:name/verify", async (c) => verify(c, await subjectOf(c)));
}

type Which = Readonly<Record<string, string>>;

async function subjectOf(c: Context<Dashboard>): Promise<Which> {
  const { date } = v.parse(Subject, await c.req.parseBody());
  return { database: c.req.param("name") ?? "", ...(date === undefined ? {} : { date }) };
}

/** Leads to the one drill that was opened, or is under way already; or else to all of them. */
async function drill(c: Context<Dashboard>, body: Which): Promise<Response> {
  const answer = await c.get("ask")("/drills", { method: "POST", body });
  const path = (answer.headers.get("location") ?? "").replace(/\?.*/, "");
  const { already_running: running } = v.parse(Asked, await answer.json());
  const [only] = body["database"] === undefined ? [] : running;
  return c.redirect(only === undefined ? `/dashboard${path}` : `/dashboard/drills/${only.drill}`, 303);
}

async function verify(c: Context<Dashboard>, body: Which): Promise<Response> {
  const answer = await c.get("ask")("/verify", { method: "POST", body });
  return c.redirect(`/dashboard${answer.headers.get("location") ?? "/drills"}`, 303);
}

/** The address of the drills behind one, as they are filtered. */
function hrefOf({ database, verdict }: DrillQuery, after: string): string {
  const params = new URLSearchParams({ after });
  if (database !== "") params.set("database", database);
  if (verdict !== "all") params.set("verdict", verdict);
  return `/dashboard/drills?${params}`;
}
