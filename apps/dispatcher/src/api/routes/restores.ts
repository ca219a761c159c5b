import { eventId } from "@patina/alerts/event";
import { noteRestore, type RestoreEvent } from "@patina/catalog/restores";
import { VERDICTS } from "@patina/core/drill";
import * as v from "valibot";
import { auditEntry } from "../audited.ts";
import { Count, DatabaseName } from "../fields.ts";
import { operation } from "../operation.ts";

const TARGETS = ["sqlite", "local-d1", "d1"] as const;

/** Names that D1 databases have. */
const TargetName = v.pipe(v.string(), v.regex(/^[\w .-]{1,64}$/), v.description("Of a D1 database."));

const Finding = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(500));

export const restores = operation({
  method: "POST",
  path: "/restores",
  tag: "Backups",
  summary: "Say that a backup was restored: the channels that want to know are told, and the audit log has it",
  description:
    "The command does it by itself after a restore. Nothing is restored by this: it happens where the command runs.",
  body: {
    database: DatabaseName,
    key: v.pipe(v.string(), v.regex(/^[\w./-]{1,300}$/), v.description("The key of the backup.")),
    target: v.picklist(TARGETS),
    target_name: v.optional(TargetName),
    replaced: v.pipe(v.boolean(), v.description("Whether something was there before.")),
    tables: v.pipe(v.nullable(Count), v.description("How many tables, when not all of them.")),
    verdict: v.picklist(VERDICTS),
    finding: v.optional(v.pipe(Finding, v.description("The first thing that is wrong, or worth knowing."))),
  },
  status: 201,
  answer: v.strictObject({
    event: v.string(),
    channels: v.pipe(
      v.array(v.string()),
      v.description("The channels that are told; none when no channel wants to know."),
    ),
  }),
  async handle(c, { body, seed }) {
    const { database, key, verdict, finding, replaced: isReplaced } = body;
    const event: RestoreEvent = {
      kind: verdict === "failed" ? "restore-failed" : "restored",
      restore: `${seed.at}-${seed.entropy}`,
      database,
      key,
      target: targetOf(body),
      isReplaced,
      actor: c.get("principal").name,
      error: finding ?? null,
    };
    const detail = { database, target: event.target, verdict, replaced: isReplaced };
    const audit = auditEntry(c, { action: "restore", subject: key, detail });
    const channels = await noteRestore(c.get("context").catalog, event, audit);
    return { event: eventId(event), channels };
  },
});

function targetOf(body: {
  target: (typeof TARGETS)[number];
  target_name?: string | undefined;
  tables: number | null;
}): string {
  const { target, target_name: name, tables } = body;
  const named = name === undefined ? "" : ` ${name}`;
  const where = { sqlite: "a SQLite file", "local-d1": `local D1 database${named}`, d1: `D1 database${named}` }[target];
  return tables === null ? where : `${where} (${tables === 1 ? "1 table" : `${tables} tables`})`;
}
