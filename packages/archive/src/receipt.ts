import { isDate } from "@patina/core/date";
import { CHECKS, VERDICTS } from "@patina/core/drill";
import { PatinaError } from "@patina/core/error";
import * as v from "valibot";

/**
 * A receipt: the small object that records a verification or a drill, so that the bucket alone knows what was proven of
 * each backup and when. Receipts are only ever added. The format is docs/format/receipts.md.
 */

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Time = v.pipe(v.string(), v.isoTimestamp());

/** The object that was looked at: another one under the same key has another etag. */
const Subject = v.object({ key: v.string(), etag: v.string() });

/** One piece of a verification: what was read, and what was found. */
export const VerifyReceipt = v.object({
  patina: v.literal("verify-receipt"),
  format: v.literal(1),
  id: v.string(),
  at: Time,
  backups: v.array(
    v.object({
      ...Subject.entries,
      /** The weekly archive that it was read out of, whose etag it is then; absent when it was an object of its own. */
      archive: v.optional(v.string()),
      bytes: Count,
      /** What is wrong with it, as a sentence; null when it is what its manifest says. */
      damage: v.nullable(v.string()),
    }),
  ),
});
export type VerifyReceipt = v.InferOutput<typeof VerifyReceipt>;

export const DrillReceipt = v.object({
  patina: v.literal("drill-receipt"),
  format: v.literal(1),
  id: v.string(),
  at: Time,
  database: v.string(),
  date: v.pipe(v.string(), v.isoDate()),
  job: v.string(),
  backup: Subject,
  cause: v.picklist(["first", "schema", "monthly", "asked"]),
  /** When it was asked for; absent in old receipts. */
  askedAt: v.optional(Time),
  verdict: v.picklist(VERDICTS),
  checks: v.array(
    v.object({
      name: v.picklist(CHECKS),
      end: v.picklist(VERDICTS),
      findings: v.pipe(v.array(v.string()), v.readonly()),
    }),
  ),
  rows: Count,
  bytes: Count,
  restoreMs: Count,
  rowsWritten: Count,
  schemaDigest: v.nullable(Sha256),
});
export type DrillReceipt = v.InferOutput<typeof DrillReceipt>;

export type Receipt = VerifyReceipt | DrillReceipt;

const Receipt = v.variant("patina", [VerifyReceipt, DrillReceipt]);

/** `receipts/2026-11-20/verify-<id>.json` or `drill-<id>.json`: by the UTC date on which it was done. */
export function receiptKey({ id, at }: Pick<Receipt, "id" | "at">): string {
  return `receipts/${at.slice(0, 10)}/${id}.json`;
}

const RECEIPT_KEY = /^receipts\/(\d{4}-\d{2}-\d{2})\/((?:verify|drill)-[0-9a-f-]{1,60})\.json$/;

/** The date and id of a receipt's key; null for any other key. The inverse of receiptKey(). */
export function parseReceiptKey(key: string): { readonly date: string; readonly id: string } | null {
  const [, date = "", id = ""] = RECEIPT_KEY.exec(key) ?? [];
  return isDate(date) ? { date, id } : null;
}

/** A receipt as the text that is stored. */
export function encodeReceipt(receipt: Receipt): string {
  return `${JSON.stringify(v.parse(Receipt, receipt), null, 1)}\n`;
}

/** @throws {PatinaError} `manifest_invalid` when the text is no receipt that this code knows */
export function decodeReceipt(text: string): Receipt {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new PatinaError("manifest_invalid", "Cannot read receipt: it is no JSON", { cause });
  }
  const read = v.safeParse(Receipt, json);
  if (read.success) return read.output;
  const [issue] = read.issues;
  const place = (issue.path ?? []).map((item) => String(item.key)).join("/");
  throw new PatinaError("manifest_invalid", `Cannot read receipt: wrong at /${place}`);
}
