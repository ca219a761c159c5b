import { findDatabase } from "@patina/catalog/databases";
import { findJob, openManualJob } from "@patina/catalog/jobs";
import { dateOf } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { manualJobId } from "@patina/core/job";
import * as v from "valibot";
import { fanOut } from "../../fan-out.ts";
import { DatabaseName, Reason } from "../fields.ts";
import { operation } from "../operation.ts";
import { Job, jobView } from "../views/job.ts";

/**
 * Starts a manual job. A database whose task is queued or running already is not started twice: when that is all of
 * them, the answer is the job they run in.
 */
export const trigger = operation({
  method: "POST",
  path: "/trigger",
  tag: "Jobs",
  summary: "Start a backup now",
  body: {
    database: v.optional(
      v.pipe(DatabaseName, v.description("The database to back up; every enabled one when absent.")),
    ),
    reason: v.optional(Reason),
  },
  status: 202,
  answer: v.strictObject({
    job: Job,
    started: v.boolean(),
    already_running: v.array(v.strictObject({ database: DatabaseName, job: v.string() })),
  }),
  problems: ["not_found", "conflict"],
  async handle(c, { body }) {
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
    return {
      job: jobView(job),
      started: opening.opened > 0,
      already_running: opening.active.map(({ database, jobId }) => ({ database, job: jobId })),
    };
  },
});
