import type { Catalog } from "@patina/catalog/catalog";
import { addDatabase, changeDatabase, setEnabled } from "@patina/catalog/database-changes";
import { findDatabase, listDatabases, type RegisteredDatabase } from "@patina/catalog/databases";
import { lastDrills } from "@patina/catalog/drill-list";
import { listPublished } from "@patina/catalog/exporter-bindings";
import { fleetEntries } from "@patina/catalog/fleet";
import { timestamp } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { bindingOf, PRIORITIES } from "@patina/core/job";
import { CRONS, nextRun } from "@patina/core/schedule";
import { STANDINGS } from "@patina/core/standing";
import { dumpPolicyOf, faultOfBody, RetentionBody } from "@patina/messages/retention";
import type { Context } from "hono";
import * as v from "valibot";
import type { Api } from "../app.ts";
import { auditEntry } from "../audited.ts";
import { Count, DatabaseName, Flag, Reason, Time } from "../fields.ts";
import { operation } from "../operation.ts";
import { PAGE, pageOf, pageSize, paging } from "../page.ts";
import { Check, type Preflight, preflight } from "../preflight.ts";
import { Database, databaseView } from "../views/database.ts";

const NAMED = { db: DatabaseName };
const TAG = "Databases";

const Description = v.pipe(v.string(), v.trim(), v.maxLength(200, "at most 200 characters"));
const D1Id = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f-]{1,64}$/, "as wrangler d1 list shows it"),
  v.description("The database's id at Cloudflare."),
);

const list = operation({
  method: "GET",
  path: "/databases",
  tag: TAG,
  summary: "Databases of the registry, by name, and how they stand",
  query: { standing: v.optional(v.picklist(STANDINGS)), ...paging(v.strictTuple([v.string()])) },
  answer: v.strictObject({ databases: v.array(Database), ...PAGE }),
  async handle(c, { query: { standing, limit: asked, cursor } }) {
    const { catalog, clock } = c.get("context");
    const { limit, read } = pageSize(asked);
    const after = cursor?.[0] ?? "";
    const registered = (await listDatabases(catalog))
      .filter(({ name }) => name > after)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    // How a database stands is known only when its results are read: without a filter that is done for one page.
    const looked = standing === undefined ? registered.slice(0, read) : registered;
    const views = await viewsOf(looked, { catalog, now: clock() });
    const found = views.filter((view) => standing === undefined || view.standing === standing);
    const page = pageOf(found, { limit, placeOf: (last) => [last.name] });
    return { databases: [...page.entries], next_cursor: page.next_cursor };
  },
});

const one = operation({
  method: "GET",
  path: "/databases/:db",
  tag: TAG,
  summary: "One database of the registry, and how it stands",
  params: NAMED,
  answer: Database,
  problems: ["not_found"],
  async handle(c, { params: { db } }) {
    return await viewOf(c, db);
  },
});

const add = operation({
  method: "POST",
  path: "/databases",
  tag: TAG,
  summary: "Add a database, or see what stands against it",
  description:
    "The exporter must have a D1 binding for it. What is added here is owned by the API until the registry file names it. Its first backup is made by the next nightly run, or at once with POST /trigger.",
  query: { dry_run: v.optional(v.pipe(Flag, v.description("Only report."))) },
  body: {
    name: DatabaseName,
    binding: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^[A-Z][A-Z0-9_]{0,99}$/, "upper-case letters, digits and _, at most 100"),
        v.description("DB_ and the name when absent."),
      ),
    ),
    environment: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^[a-z0-9-]{1,32}$/, "lower-case letters, digits and -, at most 32"),
        v.description("The deployment's own when absent."),
      ),
    ),
    description: v.optional(Description),
    priority: v.optional(v.picklist(PRIORITIES)),
    d1_id: v.optional(D1Id),
    estimated_bytes: v.optional(Count),
  },
  answer: v.strictObject({
    added: v.boolean(),
    preflight: v.array(Check),
    database: v.nullable(Database),
    first_run: Time,
  }),
  problems: ["conflict", "binding_unknown"],
  async handle(c, { body, query: { dry_run: isDryRun = false } }) {
    const { catalog, clock } = c.get("context");
    const { name, binding = bindingOf(name) } = body;
    const report = preflight(
      { name, binding },
      { databases: await listDatabases(catalog), published: await listPublished(catalog) },
    );
    const first_run = timestamp(nextRun(CRONS.nightly, clock()));
    if (isDryRun) return { added: false, preflight: [...report.checks], database: null, first_run };
    const shard = passed(report);
    const entry = {
      name,
      binding,
      shard,
      environment: body.environment ?? c.env.environment,
      description: body.description ?? "",
      priority: PRIORITIES.indexOf(body.priority ?? "normal"),
      d1Id: body.d1_id ?? null,
      estimatedBytes: body.estimated_bytes ?? null,
    };
    const audit = auditEntry(c, { action: "database.add", subject: name, detail: { binding } });
    if (!(await addDatabase(catalog, entry, audit))) {
      throw new PatinaError("conflict", "Cannot add this database: somebody else has just taken its name or binding");
    }
    return { added: true, preflight: [...report.checks], database: await viewOf(c, name), first_run };
  },
});

const change = operation({
  method: "PATCH",
  path: "/databases/:db",
  tag: TAG,
  summary: "Change what is said about a database that the API owns",
  description: "Name, binding, shard and environment stay: its backups are known by them.",
  params: NAMED,
  body: {
    description: v.optional(Description),
    priority: v.optional(v.picklist(PRIORITIES)),
    d1_id: v.optional(D1Id),
    estimated_bytes: v.optional(Count),
    retention: v.optional(
      v.pipe(v.nullable(RetentionBody), v.description("Null takes it back: what holds for all databases.")),
    ),
  },
  answer: Database,
  problems: ["not_found", "owned_by_registry"],
  async handle(c, { params: { db }, body }) {
    const { catalog } = c.get("context");
    await registeredDatabase(catalog, db);
    const { retention } = body;
    const fault = retention == null ? null : faultOfBody(retention);
    if (fault !== null) throw new PatinaError("invalid_request", `Cannot set this retention: ${fault}`);
    const changed = await changeDatabase(catalog, {
      name: db,
      change: {
        description: body.description,
        priority: body.priority === undefined ? undefined : PRIORITIES.indexOf(body.priority),
        d1Id: body.d1_id,
        estimatedBytes: body.estimated_bytes,
        retention: retention == null ? retention : dumpPolicyOf(retention),
      },
      audit: auditEntry(c, { action: "database.change", subject: db, detail: body }),
    });
    if (!changed) {
      throw new PatinaError("owned_by_registry", `Cannot change "${db}": the registry file describes this database`);
    }
    return await viewOf(c, db);
  },
});

const pause = operation({
  method: "POST",
  path: "/databases/:db/pause",
  tag: TAG,
  summary: "Take a database out of the schedule; its backups stay",
  params: NAMED,
  body: { reason: v.optional(Reason) },
  answer: Database,
  problems: ["not_found"],
  handle: async (c, { params: { db }, body }) => await schedule(c, { db, isEnabled: false, reason: body.reason }),
});

const resume = operation({
  method: "POST",
  path: "/databases/:db/resume",
  tag: TAG,
  summary: "Put a paused database back into the schedule",
  params: NAMED,
  body: { reason: v.optional(Reason) },
  answer: Database,
  problems: ["not_found"],
  handle: async (c, { params: { db }, body }) => await schedule(c, { db, isEnabled: true, reason: body.reason }),
});

async function schedule(
  c: Context<Api>,
  { db, isEnabled, reason }: { db: string; isEnabled: boolean; reason: string | undefined },
) {
  const { catalog } = c.get("context");
  await registeredDatabase(catalog, db);
  const action = isEnabled ? "database.resume" : "database.pause";
  const detail = reason === undefined ? {} : { reason };
  await setEnabled(catalog, { name: db, isEnabled, audit: auditEntry(c, { action, subject: db, detail }) });
  return await viewOf(c, db);
}

/** @throws {PatinaError} what the first check that failed means; else the shard that the database belongs to */
function passed({ checks: [name, binding, soleUse], shard }: Preflight): number {
  if (!name.ok || !soleUse.ok) {
    throw new PatinaError("conflict", `Cannot add this database: ${name.ok ? soleUse.detail : name.detail}`);
  }
  if (shard === null) throw new PatinaError("binding_unknown", `Cannot add this database: ${binding.detail}`);
  return shard;
}

async function registeredDatabase(catalog: Catalog, name: string): Promise<RegisteredDatabase> {
  const found = await findDatabase(catalog, name);
  if (found === undefined) throw new PatinaError("not_found", "Cannot find this database: it is not registered");
  return found;
}

async function viewOf(c: Context<Api>, name: string): Promise<v.InferOutput<typeof Database>> {
  const { catalog, clock } = c.get("context");
  const [view] = await viewsOf([await registeredDatabase(catalog, name)], { catalog, now: clock() });
  if (view === undefined) throw new PatinaError("not_found", "Cannot find this database: it is not registered");
  return view;
}

async function viewsOf(
  registered: readonly RegisteredDatabase[],
  { catalog, now }: { catalog: Catalog; now: number },
): Promise<v.InferOutput<typeof Database>[]> {
  const names = registered.map(({ name }) => name);
  const standings = new Map((await fleetEntries(catalog, names)).map((entry) => [entry.name, entry]));
  const drills = await lastDrills(catalog, names);
  return registered.flatMap((entry) => {
    const standing = standings.get(entry.name);
    return standing === undefined
      ? []
      : [databaseView(entry, { standing, drill: drills.get(entry.name) ?? null, now })];
  });
}

export const databases = [list, one, add, change, pause, resume];
