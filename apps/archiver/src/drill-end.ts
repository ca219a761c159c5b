import { type DrillReceipt, encodeReceipt, receiptKey } from "@patina/archive/receipt";
import { type DrillRow, endDrill } from "@patina/catalog/drills";
import { timestamp } from "@patina/core/date";
import { type Check, reasonOf, verdictOf } from "@patina/core/drill";
import { asking } from "@patina/worker/bucket-error";
import type { LostBackup } from "./drill-backup.ts";
import type { Restored } from "./drill-restore.ts";
import type { StoredBackup } from "./find-backup.ts";
import type { ArchiverContext } from "./upkeep.ts";

/** What a drill came to. */
export interface Drilled {
  readonly checks: readonly Check[];
  /** Why it did not pass, when no check says it. */
  readonly reason: string | null;
  /** The backup that was looked at; null when there is none. */
  readonly backup: LookedAt | null;
  readonly rowsWritten: number;
  /** Null when nothing was restored. */
  readonly restored: { readonly rows: number; readonly bytes: number; readonly ms: number } | null;
  readonly schemaDigest: string | null;
}

interface LookedAt {
  readonly date: string;
  readonly job: string;
  /** The object that was read. */
  readonly subject: Subject;
  /** The object of the inventory that the drill says something of. */
  readonly meant: Subject;
  /** The daily of which a copy in an archive is no better than what was read; null when nothing is said of a copy. */
  readonly copy: { readonly date: string; readonly digest: string } | null;
}

interface Subject {
  readonly key: string;
  readonly etag: string;
}

export function endOfAbsent({ reason }: { reason: string }): Drilled {
  return { checks: [], reason, backup: null, rowsWritten: 0, restored: null, schemaDigest: null };
}

export function endOfBroken({ lost, reason }: { lost: LostBackup; reason: string }): Drilled {
  const { key, etag, date, jobId: job } = lost;
  const subject = { key, etag };
  const checks: Check[] = [{ name: "object", end: "failed", findings: [reason] }];
  const backup = { date, job, subject, meant: subject, copy: null };
  return { checks, reason: null, backup, rowsWritten: 0, restored: null, schemaDigest: null };
}

export function endOfRestored(stored: StoredBackup, { checks, rowsWritten, restoreMs, schema }: Restored): Drilled {
  const { manifest, key, etag } = stored;
  const { date, job, object, kind, rows, sql } = manifest;
  const subject = { key, etag };
  // Out of an archive: what is wrong with the dump is the daily's fault, unless its bytes are no longer the same.
  const isDump = checks.some(({ name, end }) => name === "object" && end === "passed");
  const meant = stored.from === "weekly" && isDump ? { key: object.key, etag: object.etag } : subject;
  const isCopied = stored.from === "weekly" || (kind === "daily" && isDump);
  const copy = isCopied ? { date, digest: object.sha256 } : null;
  const isRestored = !checks.some(({ name, end }) => name === "restore" && end !== "passed");
  return {
    checks,
    reason: null,
    backup: { date, job, subject, meant, copy },
    rowsWritten,
    restored: isRestored ? { rows, bytes: sql.bytes, ms: restoreMs } : null,
    schemaDigest: manifest.schema?.sha256 ?? schema,
  };
}

/** Writes down how a drill ended: the receipt, then the rows. Each may be done again. */
export async function finishDrill(
  row: DrillRow,
  { drilled, context }: { drilled: Drilled; context: ArchiverContext },
): Promise<void> {
  const { catalog, bucket, clock, log } = context;
  const { id, database, cause } = row;
  const { checks, backup, rowsWritten, restored, schemaDigest } = drilled;
  const now = clock();
  const verdict = verdictOf(checks);
  const reason = drilled.reason ?? reasonOf(checks);
  if (backup !== null) {
    const receipt: DrillReceipt = {
      patina: "drill-receipt",
      format: 1,
      id,
      at: timestamp(now),
      database,
      date: backup.date,
      job: backup.job,
      backup: backup.subject,
      cause,
      askedAt: timestamp(row.createdAt),
      verdict,
      checks: [...checks],
      rows: restored?.rows ?? 0,
      bytes: restored?.bytes ?? 0,
      restoreMs: restored?.ms ?? 0,
      rowsWritten,
      schemaDigest,
    };
    const key = receiptKey(receipt);
    // One of an attempt that stopped after it says the same.
    const options = { onlyIf: { etagDoesNotMatch: "*" }, httpMetadata: { contentType: "application/json" } };
    await asking(key, () => bucket.put(key, encodeReceipt(receipt), options));
  }
  await endDrill(
    catalog,
    {
      id,
      database,
      verdict,
      reason,
      checks,
      rows: restored?.rows ?? null,
      bytes: restored?.bytes ?? null,
      rowsWritten,
      restoreMs: restored?.ms ?? null,
      schemaDigest,
      subject: backup?.meant ?? null,
      copy: backup?.copy ?? null,
    },
    now,
  );
  log.info({ drill: id, database, verdict, reason, rowsWritten }, "Drill ended");
}
