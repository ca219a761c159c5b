import { findDatabase } from "@patina/catalog/databases";
import { findJob, openManualJob } from "@patina/catalog/jobs";
import { dateOf } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { isDatabaseName, manualJobId } from "@patina/core/job";
import { Hono } from "hono";
import * as v from "valibot";
import { fanOut } from "../../fan-out.ts";
import type { Api } from "../app.ts";
import { readBody } from "../body.ts";
import { jobView } from "../views.ts";

const Body = v.strictObject({
  /** The database to back up; every enabled one when absent. */
  database: v.optional(v.pipe(v.string(), v.check(isDatabaseName, "not a database name"))),
  reason: v.optional(v.pipe(v.string(), v.trim(), v.maxLength(200))),
});

/**
 * Starts a manual job. A database whose task is queued or running already is not started twice: when that is all of
 * them, the answer is the job they run in.
 */
export const trigger = new Hono<Api>().post("/", async (c) => {
  const body = await readBody(c.req.raw, Body);
  const context = c.get("context");
  const { catalog, clock } = context;
  const now = clock();
  if (body.database !== undefined && (await findDatabase(catalog, body.database)) === undefined) {
    throw new PatinaError("not_found", "Cannot start a backup: no database of this name is registered");
  }
  const id = manualJobId(now, crypto.getRandomValues(new Uint8Array(3)));
  const opening = await openManualJob(catalog, {
    job: {
      id,
      kind: "manual",
      trigger: "api",
      date: dateOf(now),
      scheduledFor: now,
      now,
      ...(body.reason === undefined ? {} : { reason: body.reason }),
    },
    names: body.database === undefined ? null : [body.database],
  });
  if (opening.opened > 0) await fanOut(id, context);
  const jobId = opening.opened > 0 ? id : opening.active[0]?.jobId;
  const job = jobId === undefined ? undefined : await findJob(catalog, jobId);
  if (job === undefined)
    throw new PatinaError("conflict", "Cannot start a backup: no database is registered and enabled");
  c.header("location", `/jobs/${job.id}`);
  return c.json(
    {
      job: jobView(job),
      started: opening.opened > 0,
      already_running: opening.active.map(({ database, jobId }) => ({ database, job: jobId })),
    },
    202,
  );
});
