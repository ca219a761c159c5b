import { NO_RULES } from "@patina/core/rules";
import { amount, bytes, count, duration } from "@patina/core/wording";
import { preflight } from "@patina/dump/preflight";
import { sqliteSource } from "@patina/dump/sqlite-source";
import * as v from "valibot";
import type { ApiClient } from "../api/client.ts";
import { uncarried } from "../dump/uncarried.ts";
import { openForReading } from "../files/sqlite-file.ts";
import { facts } from "../output/facts.ts";
import { tone } from "../output/print.ts";

/** What a backup of one database will be like, in the API's words. */
export const PreflightView = v.object({
  database: v.string(),
  mode: v.picklist(["snapshot", "paged"]),
  bytes: v.nullable(v.number()),
  tables: v.array(v.object({ name: v.string(), rows: v.number(), exact: v.boolean() })),
  rows: v.number(),
  rows_read: v.number(),
  rows_written: v.number(),
  stored_bytes: v.number(),
  warnings: v.array(v.string()),
  over_limits: v.array(v.string()),
  refusal: v.nullable(v.object({ code: v.string(), message: v.nullable(v.string()), next: v.nullable(v.string()) })),
});
export type PreflightView = v.InferOutput<typeof PreflightView>;

/** Looks at a database of a running Patina, which reads it through its exporter. */
export async function preflightOf(api: ApiClient, database: string): Promise<PreflightView> {
  return await api.get(`/databases/${database}/preflight`, PreflightView);
}

/** Looks at a SQLite file as the exporter would at a D1 database. */
export async function preflightOfFile(file: string): Promise<PreflightView> {
  const db = openForReading(file);
  try {
    const found = await preflight(sqliteSource(db), { rules: NO_RULES, hasKey: false });
    return {
      database: file,
      mode: found.mode,
      bytes: found.bytes,
      tables: found.tables.map(({ name, rows, isExact }) => ({ name, rows, exact: isExact })),
      rows: found.rows,
      rows_read: found.rowsRead,
      rows_written: found.rowsWritten,
      stored_bytes: found.storedBytes,
      warnings: [...found.warnings, ...uncarried(db)],
      over_limits: [...found.overLimits],
      refusal: null,
    };
  } finally {
    db.close();
  }
}

/** What a month of it costs at Cloudflare's prices, beyond what the plan includes. Dollars. */
export function costOf({ rows_read, rows_written, stored_bytes }: PreflightView) {
  const backups = NIGHTS * rows_read * READ_DOLLARS;
  return {
    backups_month: backups,
    drill: rows_written * WRITE_DOLLARS,
    stored_month: stored_bytes * KEPT * BYTE_DOLLARS,
  };
}

/** developers.cloudflare.com: d1/platform/pricing, durable-objects/platform/pricing, r2/pricing, as of November 2026. */
const READ_DOLLARS = 0.001 / 1e6;
const WRITE_DOLLARS = 1 / 1e6;
const BYTE_DOLLARS = 0.015 / 1e9;

const NIGHTS = 30;

/** Copies that the default retention keeps: 7 dailies, and 7 in each of 12 weeklies. */
const KEPT = 7 + 7 * 12;

/** Bytes of a database read in a second, about; docs/benchmarks.md. What a database really takes its first backup shows. */
const BYTES_A_SECOND = 10e6;

/** @param lastMs how long its last good backup took, when there is one */
export function describePreflight(view: PreflightView, lastMs: number | null): string {
  const { mode, tables, over_limits, refusal, warnings } = view;
  const cost = costOf(view);
  const most = tables.some(({ exact }) => !exact) ? "at most " : "";
  const guess =
    view.bytes === null ? "unknown" : `about ${duration(Math.ceil(0.5 + view.bytes / BYTES_A_SECOND) * 1_000)}`;
  const lines: (readonly [string, string])[] = [
    ["database", view.database],
    ["mode", `${mode}: ${MODES[mode]}`],
    ["size", view.bytes === null ? "unknown" : bytes(view.bytes)],
    ["rows", `${most}${count(view.rows)} in ${amount(tables.length, "table")}`],
    ["time", lastMs === null ? guess : `${duration(lastMs)} the last time`],
    ["stored", `about ${bytes(view.stored_bytes)} a backup`],
    ["rows read", `${most}${count(view.rows_read)} a night, ${dollars(cost.backups_month)} a month`],
    ["drill", `${most}${count(view.rows_written)} rows written, ${dollars(cost.drill)} each time`],
    ["storage", `${dollars(cost.stored_month)} a month, with the default retention`],
    ...warnings.map((warning) => ["not carried", tone("warn", `${warning}.`)] as const),
    ...over_limits.map((limit) => ["over a limit", tone("bad", `${limit}.`)] as const),
    ...(refusal === null ? [] : [["refused", tone("bad", `${refusal.message ?? refusal.code}.`)] as const]),
  ];
  const verdict =
    over_limits.length > 0 || refusal !== null
      ? tone("bad", "It cannot be backed up and restored as it is.")
      : warnings.length > 0
        ? tone("warn", "It can be backed up; what is not carried is named above.")
        : tone("good", "Everything in it can be backed up and restored exactly.");
  return `${facts(lines)}\n\n${verdict}`;
}

const MODES = {
  snapshot: "read in one transaction, one instant",
  paged: "read page by page, and checked for changes meanwhile",
} as const;

/** Whether something stands against a backup. */
export function isFlawed({ over_limits, refusal, warnings }: PreflightView): boolean {
  return over_limits.length > 0 || refusal !== null || warnings.length > 0;
}

function dollars(amount: number): string {
  return amount < 0.005 ? "less than $0.01" : `$${amount.toFixed(2)}`;
}
