import {
  findPlan,
  listPlans,
  openPlan,
  type PrunePlan,
  type PruneStep,
  runningPlan,
} from "@patina/catalog/prune-plans";
import { listSteps } from "@patina/catalog/prune-steps";
import { PRUNE_ACTIONS } from "@patina/catalog/schema";
import { timestamp } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import * as v from "valibot";
import { pruneRequest } from "../../prunes.ts";
import { auditEntry } from "../audited.ts";
import { Count, DatabaseName, Reason, Time } from "../fields.ts";
import { operation } from "../operation.ts";
import { PAGE, pageOf, pageSize, paging } from "../page.ts";

const TAG = "Retention";

const STATES = ["running", "done", "failed"] as const;
const STEP_STATES = ["planned", "done", "skipped"] as const;

const Prune = v.strictObject({
  id: v.string(),
  job: v.pipe(v.nullable(v.string()), v.description("The job after which it ran; null when somebody asked for it.")),
  state: v.picklist(STATES),
  doubt: v.pipe(v.nullable(v.string()), v.description("Why nothing was removed; null when there was no such reason.")),
  error: v.pipe(v.nullable(v.string()), v.description("Why it was given up.")),
  started_at: Time,
  decided_at: v.nullable(Time),
  finished_at: v.nullable(Time),
  kept: v.pipe(Count, v.description("Backups and archives that stay, as decided.")),
  removing: v.pipe(Count, v.description("Backups and archives that go, as decided.")),
  removed: Count,
  removed_bytes: Count,
  rescued: v.pipe(Count, v.description("Backups copied out of an archive before that may go.")),
  adopted: v.pipe(Count, v.description("Backups that the inventory had lost, and has again.")),
  missing: v.pipe(Count, v.description("Stored backups whose object was not in the bucket.")),
  orphans: v.pipe(Count, v.description("Objects that nothing needs.")),
  listed: v.pipe(Count, v.description("Objects in the bucket.")),
  foreign: v.pipe(Count, v.description("Objects that Patina does not write and never touches.")),
  aged: v.pipe(Count, v.description("Rows of the catalog that had become too old.")),
});

const Step = v.strictObject({
  key: v.pipe(v.string(), v.description("The object, or the id of an upload.")),
  action: v.picklist(PRUNE_ACTIONS),
  database: v.nullable(DatabaseName),
  bytes: Count,
  reason: v.string(),
  state: v.picklist(STEP_STATES),
  note: v.pipe(v.nullable(v.string()), v.description("Why it was not done.")),
});

const list = operation({
  method: "GET",
  path: "/prunes",
  tag: TAG,
  summary: "What was pruned, the newest first",
  query: paging(v.strictTuple([v.number(), v.string()])),
  answer: v.strictObject({ prunes: v.array(Prune), ...PAGE }),
  async handle(c, { query: { limit: asked, cursor } }) {
    const { limit, read } = pageSize(asked);
    const before = cursor === undefined ? undefined : { startedAt: cursor[0], id: cursor[1] };
    const found = await listPlans(c.get("context").catalog, { limit: read, before });
    const page = pageOf(found, { limit, placeOf: (last) => [last.startedAt, last.id] });
    return { prunes: page.entries.map(pruneView), next_cursor: page.next_cursor };
  },
});

const one = operation({
  method: "GET",
  path: "/prunes/:id",
  tag: TAG,
  summary: "One prune with its steps and their reasons, by key",
  params: { id: v.string() },
  query: {
    database: v.optional(DatabaseName),
    action: v.optional(v.picklist(PRUNE_ACTIONS)),
    state: v.optional(v.picklist(STEP_STATES)),
    ...paging(v.strictTuple([v.string()])),
  },
  answer: v.strictObject({ prune: Prune, steps: v.array(Step), ...PAGE }),
  problems: ["not_found"],
  async handle(c, { params: { id }, query: { limit: asked, cursor, ...filter } }) {
    const { catalog } = c.get("context");
    const plan = await findPlan(catalog, id);
    if (plan === undefined) throw new PatinaError("not_found", "Cannot find this prune");
    const { limit, read } = pageSize(asked);
    const found = await listSteps(catalog, { plan: id, filter, after: cursor?.[0], limit: read });
    const page = pageOf(found, { limit, placeOf: (last) => [last.key] });
    return { prune: pruneView(plan), steps: page.entries.map(stepView), next_cursor: page.next_cursor };
  },
});

const start = operation({
  method: "POST",
  path: "/prune",
  tag: TAG,
  summary: "Prune now, instead of after the next night",
  description:
    "GET /retention/preview says what would go. While a prune is under way no other is started: the answer is that one.",
  body: { reason: v.optional(Reason) },
  status: 202,
  answer: v.strictObject({ prune: Prune, started: v.boolean() }),
  async handle(c, { body, seed }) {
    const { catalog, upkeep } = c.get("context");
    const id = `prune-${seed.entropy}`;
    const running = await runningPlan(catalog);
    if (running === undefined || running.id === id) {
      const audit = auditEntry(c, { action: "prune.start", subject: id, detail: body });
      const opened = await openPlan(catalog, { id, jobId: null, now: seed.at, audit });
      // Sent again by a request that is repeated, as it may have stopped before: a second message does nothing.
      if (opened || running?.id === id) await upkeep.send(pruneRequest(id));
    }
    const plan = running ?? (await findPlan(catalog, id));
    if (plan === undefined) throw new PatinaError("internal", "Cannot find the prune that was just begun");
    c.header("location", `/prunes/${plan.id}`);
    return { prune: pruneView(plan), started: plan.id === id };
  },
});

function pruneView(plan: PrunePlan): v.InferOutput<typeof Prune> {
  return {
    id: plan.id,
    job: plan.jobId,
    state: plan.state,
    doubt: plan.doubt,
    error: plan.error,
    started_at: timestamp(plan.startedAt),
    decided_at: plan.decidedAt === null ? null : timestamp(plan.decidedAt),
    finished_at: plan.finishedAt === null ? null : timestamp(plan.finishedAt),
    kept: plan.kept,
    removing: plan.removing,
    removed: plan.removed,
    removed_bytes: plan.removedBytes,
    rescued: plan.rescued,
    adopted: plan.adopted,
    missing: plan.missing,
    orphans: plan.orphans,
    listed: plan.listed,
    foreign: plan.foreignObjects,
    aged: plan.aged,
  };
}

function stepView({ key, action, database, size, reason, state, note }: PruneStep): v.InferOutput<typeof Step> {
  return { key, action, database, bytes: size, reason, state, note };
}

export const prunes = [list, one, start];
