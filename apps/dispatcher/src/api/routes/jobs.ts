import { jobWithTasks } from "@patina/catalog/job-report";
import { PatinaError } from "@patina/core/error";
import { isJobId } from "@patina/core/job";
import { Hono } from "hono";
import type { Api } from "../app.ts";
import { jobWithTasksView } from "../views.ts";

/** One job with its tasks and their results. */
export const jobs = new Hono<Api>().get("/:id", async (c) => {
  const id = c.req.param("id");
  const found = isJobId(id) ? await jobWithTasks(c.get("context").catalog, id) : undefined;
  if (found === undefined) throw new PatinaError("not_found", "Cannot find this job");
  return c.json(jobWithTasksView(found));
});
