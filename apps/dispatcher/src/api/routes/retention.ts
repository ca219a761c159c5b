import { readCustody, readRetention, setCustody } from "@patina/catalog/custody-settings";
import { doubtNow } from "@patina/catalog/retention-doubt";
import { type PreviewEntry, previewRetention } from "@patina/catalog/retention-preview";
import { timestamp } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { faultOfWeeks } from "@patina/core/retention-policy";
import { dumpPolicyOf, faultOfBody, RetentionBody, retentionBodyOf } from "@patina/messages/retention";
import type { Context } from "hono";
import * as v from "valibot";
import type { Api } from "../app.ts";
import { auditEntry } from "../audited.ts";
import { Count, DatabaseName, Day, Time } from "../fields.ts";
import { operation } from "../operation.ts";
import { PAGE, pageOf, pageSize, paging } from "../page.ts";

const TAG = "Retention";

const Weeks = v.pipe(v.number(), v.integer(), v.description("Weeks that a weekly archive is kept."));
const VerifyBytes = v.pipe(Count, v.minValue(1), v.description("Bytes that one scheduled verification may read."));
const DrillRows = v.pipe(Count, v.description("Rows that drills may write in a calendar month."));

const Settings = v.strictObject({
  retention: v.pipe(RetentionBody, v.description("For every database that has none of its own.")),
  weekly_weeks: Weeks,
  verify_bytes: VerifyBytes,
  drill_rows: DrillRows,
  overrides: v.array(v.strictObject({ database: DatabaseName, retention: RetentionBody })),
  updated_at: v.pipe(v.nullable(Time), v.description("Null as long as nobody has set anything.")),
});

const show = operation({
  method: "GET",
  path: "/retention",
  tag: TAG,
  summary: "What is kept how long, and how much verifications and drills may use",
  answer: Settings,
  handle: async (c) => await settingsView(c),
});

const change = operation({
  method: "PUT",
  path: "/retention",
  tag: TAG,
  summary: "Set what is kept how long",
  description:
    "For all databases; one has its own through PATCH /databases/:db or the registry file. The budgets stay as they are when they are left out.",
  body: {
    retention: RetentionBody,
    weekly_weeks: Weeks,
    verify_bytes: v.optional(VerifyBytes),
    drill_rows: v.optional(DrillRows),
  },
  answer: Settings,
  async handle(c, { body }) {
    const { catalog } = c.get("context");
    refuseFault(body);
    const before = await readCustody(catalog);
    await setCustody(catalog, {
      settings: {
        dumps: dumpPolicyOf(body.retention),
        weeklyWeeks: body.weekly_weeks,
        verifyBytes: body.verify_bytes ?? before.verifyBytes,
        drillRows: body.drill_rows ?? before.drillRows,
      },
      audit: auditEntry(c, { action: "retention.change", subject: "retention", detail: body }),
    });
    return await settingsView(c);
  },
});

/** @throws {PatinaError} `invalid_request` when it would keep nothing, or has a number that cannot be meant */
function refuseFault(said: { retention?: RetentionBody | undefined; weekly_weeks?: number | undefined }): void {
  const { retention, weekly_weeks: weeks } = said;
  const fault =
    (retention === undefined ? null : faultOfBody(retention)) ??
    (weeks === undefined ? null : (faultOfWeeks(weeks)?.replace("weeklyWeeks", "weekly_weeks") ?? null));
  if (fault !== null) throw new PatinaError("invalid_request", `Cannot set this retention: ${fault}`);
}

const DECISIONS = ["keep", "remove"] as const;

const Entry = v.strictObject({
  key: v.string(),
  kind: v.picklist(["daily", "manual", "weekly"]),
  database: v.nullable(DatabaseName),
  date: v.nullable(Day),
  finished_at: Time,
  bytes: Count,
  decision: v.picklist(DECISIONS),
  reason: v.string(),
  to_copy_out: v.pipe(Count, v.description("Of an archive: backups that would be copied out of it first.")),
});

const preview = operation({
  method: "GET",
  path: "/retention/preview",
  tag: TAG,
  summary: "What the next prune would do, and why: computed now, archives first, then by database",
  description: "By what is set, or as if the given were set: then every page has to be asked for with it.",
  query: {
    retention: v.optional(
      v.pipe(v.string(), v.parseJson(), RetentionBody, v.description("As PUT /retention takes it, as JSON.")),
    ),
    weekly_weeks: v.optional(v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number), Weeks)),
    database: v.optional(DatabaseName),
    decision: v.optional(v.picklist(DECISIONS)),
    ...paging(v.strictTuple([v.string(), v.string()])),
  },
  answer: v.strictObject({
    as_of: Time,
    doubt: v.pipe(
      v.nullable(v.string()),
      v.description("Why nothing at all would go; null when there is no such reason."),
    ),
    entries: v.array(Entry),
    ...PAGE,
  }),
  async handle(c, { query: { retention, weekly_weeks, database, decision, limit: asked, cursor } }) {
    const { catalog, clock } = c.get("context");
    refuseFault({ retention, weekly_weeks });
    const { limit, read } = pageSize(asked);
    const now = clock();
    const set = await readRetention(catalog);
    const policy = {
      ...set,
      dumps: retention === undefined ? set.dumps : dumpPolicyOf(retention),
      weeklyWeeks: weekly_weeks ?? set.weeklyWeeks,
    };
    const doubt = await doubtNow(catalog, { policy, now });
    const found = await previewRetention(catalog, {
      policy,
      now,
      doubt,
      filter: { database, isKept: decision === undefined ? undefined : decision === "keep" },
      after: cursor === undefined ? undefined : { database: cursor[0], key: cursor[1] },
      limit: read,
    });
    const page = pageOf(found, { limit, placeOf: (last) => [last.database ?? "", last.key] });
    return { as_of: timestamp(now), doubt, entries: page.entries.map(entryView), next_cursor: page.next_cursor };
  },
});

async function settingsView(c: Context<Api>): Promise<v.InferOutput<typeof Settings>> {
  const { catalog } = c.get("context");
  const { dumps, weeklyWeeks, verifyBytes, drillRows, updatedAt } = await readCustody(catalog);
  const { overrides } = await readRetention(catalog);
  return {
    retention: retentionBodyOf(dumps),
    weekly_weeks: weeklyWeeks,
    verify_bytes: verifyBytes,
    drill_rows: drillRows,
    overrides: [...overrides].map(([database, policy]) => ({ database, retention: retentionBodyOf(policy) })),
    updated_at: updatedAt === null ? null : timestamp(updatedAt),
  };
}

function entryView({ at, isKept, toCopyOut, ...rest }: PreviewEntry): v.InferOutput<typeof Entry> {
  const { key, kind, database, date, bytes, reason } = rest;
  const decision = isKept ? "keep" : "remove";
  return { key, kind, database, date, finished_at: timestamp(at), bytes, decision, reason, to_copy_out: toCopyOut };
}

export const retention = [show, change, preview];
