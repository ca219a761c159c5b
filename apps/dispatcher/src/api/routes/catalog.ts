import type { Catalog } from "@patina/catalog/catalog";
import { NOT_IN_BUCKET } from "@patina/catalog/not-in-bucket";
import { REBUILD_PHASES } from "@patina/catalog/rebuild-tables";
import { type Rebuild as CatalogRebuild, newestRebuild, openRebuild, removalDoubt } from "@patina/catalog/rebuilds";
import { timestamp } from "@patina/core/date";
import * as v from "valibot";
import { rebuildRequest } from "../../rebuild.ts";
import { auditEntry } from "../audited.ts";
import { Count, Time } from "../fields.ts";
import { operation } from "../operation.ts";

const TAG = "Catalog";

const Counts = v.strictObject({
  backups: Count,
  archives: Count,
  archived_backups: Count,
});

const Rebuild = v.strictObject({
  id: v.string(),
  state: v.picklist(["running", "done", "failed"]),
  phase: v.pipe(v.picklist(REBUILD_PHASES), v.description("What it looks through, in this order.")),
  started_at: Time,
  updated_at: Time,
  finished_at: v.nullable(Time),
  error: v.nullable(v.string()),
  found: v.strictObject({ ...Counts.entries, receipts: Count }),
  added: v.pipe(
    v.strictObject({ ...Counts.entries, drills: Count, databases: Count }),
    v.description("What of it the catalog did not have."),
  ),
  skipped: Count,
  skipped_objects: v.pipe(
    v.array(v.strictObject({ key: v.string(), reason: v.string() })),
    v.description("The first hundred of the objects that nothing could be made of."),
  ),
});

const Answer = v.strictObject({
  rebuild: v.nullable(Rebuild),
  removals_held: v.pipe(v.nullable(v.string()), v.description("Why nothing is removed from the bucket for now.")),
  not_in_bucket: v.pipe(v.array(v.string()), v.description("What no rebuild can bring back.")),
});

const progress = operation({
  method: "GET",
  path: "/catalog/rebuild",
  tag: TAG,
  summary: "The rebuild of the catalog that was begun last, and how far it came",
  answer: Answer,
  async handle(c) {
    const { catalog } = c.get("context");
    return await answerOf(catalog, await newestRebuild(catalog));
  },
});

const rebuild = operation({
  method: "POST",
  path: "/catalog/rebuild",
  tag: TAG,
  summary: "Rebuild the catalog from the bucket, after its loss",
  description:
    "Adds what the bucket has and the catalog does not; what the catalog knows stays as it is. One at a time: the answer is the one under way, if there is one. GET shows how far it came.",
  status: 202,
  answer: v.strictObject({ ...Answer.entries, started: v.boolean() }),
  async handle(c, { seed }) {
    const { catalog, upkeep } = c.get("context");
    const id = `rebuild-${seed.entropy}`;
    const audit = auditEntry(c, { action: "catalog.rebuild", subject: id, detail: {} });
    const opened = await openRebuild(catalog, { id, audit });
    // Sent twice, the second finds the lease taken or the work done; not sent, the tick finds the rebuild.
    if (opened.id === id) await upkeep.send(rebuildRequest(id));
    c.header("location", "/catalog/rebuild");
    return { ...(await answerOf(catalog, opened)), started: opened.id === id };
  },
});

export const catalogRoutes = [progress, rebuild];

async function answerOf(catalog: Catalog, found: CatalogRebuild | undefined): Promise<v.InferOutput<typeof Answer>> {
  return {
    rebuild: found === undefined ? null : viewOf(found),
    removals_held: await removalDoubt(catalog),
    not_in_bucket: [...NOT_IN_BUCKET],
  };
}

function viewOf(rebuild: CatalogRebuild): v.InferOutput<typeof Rebuild> {
  const { counts, skipped } = rebuild;
  return {
    id: rebuild.id,
    state: rebuild.state,
    phase: rebuild.phase,
    started_at: timestamp(rebuild.startedAt),
    updated_at: timestamp(rebuild.updatedAt),
    finished_at: rebuild.finishedAt === null ? null : timestamp(rebuild.finishedAt),
    error: rebuild.error,
    found: {
      backups: counts.backups,
      archives: counts.archives,
      archived_backups: counts.archived,
      receipts: counts.receipts,
    },
    added: {
      backups: counts.addedBackups,
      archives: counts.addedArchives,
      archived_backups: counts.addedArchived,
      drills: counts.addedDrills,
      databases: counts.addedDatabases,
    },
    skipped: counts.skipped,
    skipped_objects: skipped.map(({ key, reason }) => ({ key, reason })),
  };
}
