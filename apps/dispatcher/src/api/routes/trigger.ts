import type { Catalog } from "@patina/catalog/catalog";
import { countUnknown } from "@patina/catalog/databases";
import { findJob, openManualJob } from "@patina/catalog/jobs";
import { dateOf } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { manualJobId } from "@patina/core/job";
import * as v from "valibot";
import { fanOut } from "../../fan-out.ts";
import { auditEntry } from "../audited.ts";
import { DatabaseName, Reason } from "../fields.ts";
import { operation } from "../operation.ts";
import { Job, jobView } from "../views/job.ts";

/** Starts a manual job. */
export const trigger = operation({
  method: "POST",
  path: "/trigger",
  tag: "Jobs",
  summary: "Start a backup now",
  description:
    "One database, several, or without either every one that is not paused. A database whose task is queued or running is not started twice; when that is all of them, the answer is the job they run in.",
  body: {
    database: v.optional(DatabaseName),
    databases: v.optional(v.pipe(v.array(DatabaseName), v.minLength(1), v.maxLength(1_000))),
    reason: v.optional(Reason),
  },
  status: 202,
  answer: v.strictObject({
    job: Job,
    started: v.boolean(),
    already_running: v.array(v.strictObject({ database: DatabaseName, job: v.string() })),
  }),
  problems: ["not_found", "conflict"],
  async handle(c, { body, seed }) {
    const context = c.get("context");
    const { catalog } = context;
    const names = namesOf(body);
    if (names !== null) await checkRegistered(catalog, names);
    const id = manualJobId(seed.at, Buffer.from(seed.entropy, "hex"));
    const { active } = await openManualJob(catalog, {
      job: {
        id,
        kind: "manual",
        trigger: "api",
        date: dateOf(seed.at),
        scheduledFor: seed.at,
        now: seed.at,
        ...(body.reason === undefined ? {} : { reason: body.reason }),
      },
      names,
      audit: auditEntry(c, {
        action: "job.start",
        subject: id,
        detail: { databases: names ?? "all", ...(body.reason === undefined ? {} : { reason: body.reason }) },
      }),
    });
    const opened = await findJob(catalog, id);
    if (opened !== undefined) await fanOut(id, context);
    const others = active.filter(({ jobId }) => jobId !== id);
    const job = opened ?? (others[0] === undefined ? undefined : await findJob(catalog, others[0].jobId));
    if (job === undefined) {
      throw new PatinaError("conflict", "Cannot start a backup: every database is paused, or none is registered");
    }
    c.header("location", `/jobs/${job.id}`);
    return {
      job: jobView(job),
      started: opened !== undefined,
      already_running: others.map(({ database, jobId }) => ({ database, job: jobId })),
    };
  },
});

function namesOf({ database, databases }: { database?: string | undefined; databases?: string[] | undefined }) {
  if (database !== undefined && databases !== undefined) {
    throw new PatinaError("invalid_request", 'Cannot read request: it has both "database" and "databases"');
  }
  return databases ?? (database === undefined ? null : [database]);
}

async function checkRegistered(catalog: Catalog, names: readonly string[]): Promise<void> {
  const unknown = await countUnknown(catalog, names);
  if (unknown === 0) return;
  const which = names.length === 1 ? "no database of this name is" : `${unknown} of the ${names.length} names are not`;
  throw new PatinaError("not_found", `Cannot start a backup: ${which} registered`);
}
