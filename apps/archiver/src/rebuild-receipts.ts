import { dumpKey, parseArchiveKey, parseKey } from "@patina/archive/keys";
import { type DrillReceipt, decodeReceipt, parseReceiptKey, type Receipt } from "@patina/archive/receipt";
import type { RebuildStep } from "@patina/catalog/rebuilds";
import {
  drillStatements,
  memberDamageStatements,
  type RebuiltDrill,
  type RebuiltFinding,
  type RebuiltMemberDamage,
  unknownDrills,
  verificationStatements,
} from "@patina/catalog/rebuilt-receipts";
import { reasonOf } from "@patina/core/drill";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import { inTurn } from "./in-turn.ts";
import type { ArchiverContext } from "./upkeep.ts";

/** Receipts that are read in one step. */
const PAGE_OBJECTS = 500;

/** One step through the receipts: what was verified and drilled when, and what was found. */
export async function rebuildReceipts(
  after: string | null,
  { catalog, bucket, budget }: ArchiverContext,
): Promise<RebuildStep> {
  const prefix = "receipts/";
  const list = await asking(prefix, () =>
    bucket.list({ prefix, limit: PAGE_OBJECTS, ...(after === null ? {} : { startAfter: after }) }),
  );
  const keys = list.objects.map(({ key }) => key).filter((key) => parseReceiptKey(key) !== null);
  const read = await inTurn(keys, async (key) => ({ key, receipt: await readReceipt(key, bucket) }));
  const receipts = read.flatMap(({ receipt }) => (receipt === null ? [] : [receipt]));
  const drills = receipts.flatMap((receipt) => (receipt.patina === "drill-receipt" ? [rebuiltDrill(receipt)] : []));
  const unknown = await unknownDrills(catalog, drills);
  budget.spend({ queries: 1, requests: keys.length + 1 });
  const last = list.objects.at(-1);
  return {
    next: list.truncated && last !== undefined ? { after: last.key } : { phase: "databases" },
    statements: [
      ...verificationStatements(receipts.flatMap(findingsOf)),
      ...memberDamageStatements(receipts.flatMap(memberDamageOf)),
      ...drillStatements(drills),
    ],
    counts: { receipts: receipts.length, addedDrills: unknown },
    skipped: read.flatMap(({ key, receipt }) => (receipt === null ? [{ key, reason: "it cannot be read" }] : [])),
  };
}

/** A receipt; null for one that cannot be read. */
async function readReceipt(key: string, bucket: R2Bucket): Promise<Receipt | null> {
  const stored = await asking(key, () => bucket.get(key));
  if (stored === null) return null;
  try {
    return decodeReceipt(await asking(key, () => stored.text()));
  } catch (error) {
    if (error instanceof PatinaError && error.code === "manifest_invalid") return null;
    throw error;
  }
}

function findingsOf(receipt: Receipt): RebuiltFinding[] {
  if (receipt.patina !== "verify-receipt") return [];
  const at = Date.parse(receipt.at);
  const own = receipt.backups.filter(({ archive }) => archive === undefined);
  return own.map(({ key, etag, damage }) => ({ key, etag, at, damage }));
}

function memberDamageOf(receipt: Receipt): RebuiltMemberDamage[] {
  if (receipt.patina !== "verify-receipt") return [];
  const at = Date.parse(receipt.at);
  return receipt.backups.flatMap(({ key, etag, archive, damage }) => {
    const ref = parseKey(key)?.ref;
    if (archive === undefined || damage === null || ref === undefined) return [];
    return [{ key: archive, etag, database: ref.database, date: ref.date, at, damage }];
  });
}

function rebuiltDrill(receipt: DrillReceipt): RebuiltDrill {
  const { checks, backup, askedAt } = receipt;
  const at = Date.parse(receipt.at);
  // No dump is empty: without bytes nothing was restored.
  const isRestored = receipt.bytes > 0;
  return {
    ...receipt,
    key: backup.key,
    reason: reasonOf(checks),
    rows: isRestored ? receipt.rows : null,
    bytes: isRestored ? receipt.bytes : null,
    restoreMs: isRestored ? receipt.restoreMs : null,
    createdAt: askedAt === undefined ? at - receipt.restoreMs : Date.parse(askedAt),
    at,
    meant: meantBy(receipt),
    isOfCopies: isOfCopies(receipt),
  };
}

/** Out of an archive: what is wrong with the dump is the daily's fault, unless its bytes are no longer the same. */
function meantBy({ database, date, backup, checks }: DrillReceipt): RebuiltDrill["meant"] {
  if (parseArchiveKey(backup.key) === null || !isItsDump(checks)) return backup;
  return { key: dumpKey({ kind: "daily", date, database }), etag: null };
}

/** See endOfRestored(). */
function isOfCopies({ backup, checks }: DrillReceipt): boolean {
  if (parseArchiveKey(backup.key) !== null) return true;
  return parseKey(backup.key)?.ref.kind === "daily" && isItsDump(checks);
}

/** Whether what was restored are the bytes that the manifest states. */
function isItsDump(checks: DrillReceipt["checks"]): boolean {
  return checks.some(({ name, end }) => name === "object" && end === "passed");
}
