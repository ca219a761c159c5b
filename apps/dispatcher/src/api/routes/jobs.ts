import { jobWithTasks } from "@patina/catalog/job-report";
import { PatinaError } from "@patina/core/error";
import { isJobId } from "@patina/core/job";
import * as v from "valibot";
import { operation } from "../operation.ts";
import { JobWithTasksView, jobWithTasksView } from "../views/job.ts";

const job = operation({
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

export const jobs = [job];
