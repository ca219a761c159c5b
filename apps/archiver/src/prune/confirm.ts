import type { Finding } from "@patina/archive/findings";
import { archiveKey, manifestKey, parseArchiveKey, parseKey } from "@patina/archive/keys";
import { decodeManifest } from "@patina/archive/manifest";
import type { InventoryEntry } from "@patina/catalog/bucket-facts";
import type { NewStep } from "@patina/catalog/prune-plans";
import { ORPHAN_MARGIN } from "@patina/core/ageing";
import { PatinaError } from "@patina/core/error";
import { roughly } from "@patina/core/wording";
import { asking } from "@patina/worker/bucket-error";
import type { ArchiverContext } from "../upkeep.ts";
import { planned, skipped } from "./step.ts";

/**
 * Looks again at what a list and the inventory do not agree on: it may have been written or settled between the two.
 *
 * @returns the step that it leads to; null when there is nothing to do
 */
export async function confirm(
  finding: Exclude<Finding, { is: "orphan" }>,
  { row, context, now }: { row: InventoryEntry | null; context: ArchiverContext; now: number },
): Promise<NewStep | null> {
  const { bucket, budget } = context;
  const { key } = finding;
  const manifest = manifestOf(key);
  const [object, document] = await Promise.all([
    asking(key, () => bucket.head(key)),
    asking(manifest, () => bucket.head(manifest)),
  ]);
  budget.spend({ requests: 2 });
  const isWhole = object !== null && document !== null;
  const database = parseKey(key)?.ref.database ?? null;
  switch (finding.is) {
    case "missing": {
      if (row === null || isWhole) return null;
      const step = {
        key,
        action: "forget_row",
        database,
        etag: row.etag,
        reason: finding.what,
        size: row.size,
      } as const;
      const isOld = row.damagedAt !== null && now - row.damagedAt >= ORPHAN_MARGIN;
      return isOld ? planned(step) : skipped(step, `it has not been missing for ${roughly(ORPHAN_MARGIN)}`);
    }
    case "replaced": {
      if (row === null || !isWhole || object.etag === row.etag) return null;
      const { etag, size } = object;
      if (await names(manifest, { etag, bucket })) {
        const reason = "it was written anew, and the catalog has not noted that";
        return planned({ key, action: "adopt", database, etag, reason, size });
      }
      const reason = "another object lies there than the one that was backed up";
      const step = { key, action: "forget_row", database, etag: row.etag, reason, size: row.size } as const;
      return skipped(step, "it is kept as it is, and does not count as a good backup");
    }
    case "lost": {
      if (!isWhole) return null;
      const reason = "the catalog does not know it, and it is whole";
      const step = { key, action: "adopt", database, etag: object.etag, reason, size: object.size } as const;
      const isKnown = database !== null || row?.etag === object.etag;
      return isKnown ? planned(step) : skipped(step, "what it holds is not known: rebuild the catalog from the bucket");
    }
  }
}

/** The manifest of a dump or an archive. */
export function manifestOf(key: string): string {
  const own = parseKey(key);
  if (own !== null) return manifestKey(own.ref);
  const archived = parseArchiveKey(key);
  if (archived === null) throw new TypeError(`Cannot name the manifest of "${key}"`);
  return archiveKey({ is: "manifest", week: archived.week });
}

/** Whether a backup's manifest is of this very object. */
async function names(key: string, { etag, bucket }: { etag: string; bucket: R2Bucket }): Promise<boolean> {
  if (parseKey(key) === null) return false;
  const stored = await asking(key, () => bucket.get(key));
  if (stored === null) return false;
  try {
    return decodeManifest(await asking(key, () => stored.text())).object.etag === etag;
  } catch (error) {
    if (error instanceof PatinaError && error.code === "manifest_invalid") return false;
    throw error;
  }
}
