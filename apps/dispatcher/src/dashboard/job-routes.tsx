import { fleetEntries } from "@patina/catalog/fleet";
import { listJobs } from "@patina/catalog/job-list";
import { findJob, type JobTask, jobTasks } from "@patina/catalog/jobs";
import { timelines } from "@patina/catalog/task-events";
import { PatinaError } from "@patina/core/error";
import { isJobId } from "@patina/core/job";
import { Hono } from "hono";
import * as v from "valibot";
import { type Dashboard, show } from "./app.tsx";
import { JobPage } from "./job.tsx";
import { JobsPage } from "./jobs.tsx";
import { PageNumber } from "./page-number.ts";

const PAGE_SIZE = 50;

/** `1795230000000.nightly-2026-11-20`: the last job of the page before. */
const After = v.pipe(
  v.string(),
  v.regex(/^\d{1,16}\.[\w-]{1,64}$/),
  v.transform((text) => {
    const [startedAt = "", id = ""] = text.split(".");
    return { startedAt: Number(startedAt), id };
  }),
);

export function jobRoutes() {
  return new Hono<Dashboard>()
    .get("/jobs", async (c) => {
      const after = v.safeParse(After, c.req.query("after"));
      const found = await listJobs(c.get("context").catalog, {
        limit: PAGE_SIZE + 1,
        ...(after.success ? { after: after.output } : {}),
      });
      const jobs = found.slice(0, PAGE_SIZE);
      const last = found.length > PAGE_SIZE ? jobs.at(-1) : undefined;
      const older = last === undefined ? null : `/dashboard/jobs?after=${last.startedAt}.${last.id}`;
      const isLive = jobs.some(({ status }) => status === "running");
      return show(c, <JobsPage frame={c.get("frame")} jobs={jobs} older={older} />, { isLive });
    })
    .get("/jobs/:id", async (c) => {
      const { catalog } = c.get("context");
      const id = c.req.param("id");
      const job = isJobId(id) ? await findJob(catalog, id) : undefined;
      if (job === undefined) throw new PatinaError("not_found", "Cannot find this job");
      const all = await jobTasks(catalog, id);
      const pages = Math.max(1, Math.ceil(all.length / PAGE_SIZE));
      const page = Math.min(v.parse(PageNumber, c.req.query("page")), pages);
      const tasks = [...all].sort(byUrgency).slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE);
      const names = tasks.map(({ task }) => task.database);
      const events = await timelines(catalog, { job: id, names });
      const entries = await fleetEntries(catalog, names);
      const goodAt = new Map(entries.map(({ name, good }) => [name, good?.at ?? null]));
      const ended = all.filter(({ task }) => task.state === "done" || task.state === "failed").length;
      const facts = { frame: c.get("frame"), job, ended, tasks, events, goodAt, page, pages };
      return show(c, <JobPage {...facts} />, { isLive: job.status === "running" });
    });
}

const URGENCY = ["failed", "running", "queued", "done"] as const;

/** Those that failed first, then what is under way; otherwise the order of the fan-out. */
function byUrgency(a: JobTask, b: JobTask): number {
  return URGENCY.indexOf(a.task.state) - URGENCY.indexOf(b.task.state);
}
