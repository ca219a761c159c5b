import { listJobs } from "@patina/catalog/job-list";
import { jobWithTasks } from "@patina/catalog/job-report";
import { findJob } from "@patina/catalog/jobs";
import { jobEvents } from "@patina/catalog/task-events";
import { PatinaError } from "@patina/core/error";
import { isJobId, JOB_KINDS, JOB_STATUSES } from "@patina/core/job";
import * as v from "valibot";
import { DatabaseName } from "../fields.ts";
import { operation } from "../operation.ts";
import { PAGE, pageOf, pageSize, paging } from "../page.ts";
import { eventView, Job, JobWithTasksView, jobView, jobWithTasksView, TaskEvent } from "../views/job.ts";

const list = operation({
  method: "GET",
  path: "/jobs",
  tag: "Jobs",
  summary: "Jobs, the newest first",
  query: {
    kind: v.optional(v.picklist(JOB_KINDS)),
    status: v.optional(v.picklist(JOB_STATUSES)),
    ...paging(v.strictTuple([v.number(), v.string()])),
  },
  answer: v.strictObject({ jobs: v.array(Job), ...PAGE }),
  async handle(c, { query: { kind, status, limit: asked, cursor } }) {
    const { limit, read } = pageSize(asked);
    const found = await listJobs(c.get("context").catalog, {
      filter: { kind, status },
      after: cursor === undefined ? undefined : { startedAt: cursor[0], id: cursor[1] },
      limit: read,
    });
    const page = pageOf(found, { limit, placeOf: (last) => [last.startedAt, last.id] });
    return { jobs: page.entries.map(jobView), next_cursor: page.next_cursor };
  },
});

const one = operation({
  method: "GET",
  path: "/jobs/:id",
  tag: "Jobs",
  summary: "One job with its tasks and their results",
  params: { id: v.string() },
  answer: JobWithTasksView,
  problems: ["not_found"],
  async handle(c, { params: { id } }) {
    const found = isJobId(id) ? await jobWithTasks(c.get("context").catalog, id) : undefined;
    if (found === undefined) throw new PatinaError("not_found", "Cannot find this job");
    return jobWithTasksView(found);
  },
});

const timeline = operation({
  method: "GET",
  path: "/jobs/:id/timeline",
  tag: "Jobs",
  summary: "What happened in a job, task by task and attempt by attempt, in order",
  params: { id: v.string() },
  query: { database: v.optional(DatabaseName), ...paging(v.strictTuple([v.number()])) },
  answer: v.strictObject({ events: v.array(TaskEvent), ...PAGE }),
  problems: ["not_found"],
  async handle(c, { params: { id }, query: { database, limit: asked, cursor } }) {
    const { catalog } = c.get("context");
    if (!isJobId(id) || (await findJob(catalog, id)) === undefined) {
      throw new PatinaError("not_found", "Cannot find this job");
    }
    const { limit, read } = pageSize(asked);
    const found = await jobEvents(catalog, { job: id, database, after: cursor?.[0], limit: read });
    const page = pageOf(found, { limit, placeOf: (last) => [last.id] });
    return { events: page.entries.map(eventView), next_cursor: page.next_cursor };
  },
});

export const jobs = [list, one, timeline];
