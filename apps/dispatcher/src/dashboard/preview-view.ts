import type { PreviewEntry } from "@patina/catalog/retention-preview";
import { LAST_GOOD } from "@patina/core/dump-retention";
import { isDatabaseName } from "@patina/core/job";
import * as v from "valibot";
import { draftFields, type RetentionDraft } from "./retention-draft.ts";

/** Which part of a preview is shown: a pure choice over entries that were read already. */

export const DECISIONS = ["remove", "keep", "last good", "all"] as const;
export type DecisionFilter = (typeof DECISIONS)[number];

const Name = v.fallback(v.pipe(v.string(), v.trim(), v.check(isDatabaseName)), "");

/** What a query string asks for; anything that makes no sense is as if it had not been asked. */
export const PreviewQuery = v.object({
  decision: v.fallback(v.picklist(DECISIONS), "remove"),
  database: Name,
  /** The name behind which the databases of the part begin. */
  after: Name,
});
export type PreviewQuery = v.InferOutput<typeof PreviewQuery>;

const PAGE_SIZE = 50;

/** Counts and bytes of what stays, of that which stays only because it is the last good one, and of what goes. */
export interface PreviewSums {
  readonly keep: Sum;
  readonly lastGood: Sum;
  readonly remove: Sum;
  /** Backups that would be copied out of archives first. */
  readonly toCopyOut: number;
}

interface Sum {
  readonly count: number;
  readonly bytes: number;
}

export function sumsOf(entries: readonly PreviewEntry[]): PreviewSums {
  const sum = (wanted: DecisionFilter): Sum => {
    const found = entries.filter((entry) => isWanted(entry, wanted));
    return { count: found.length, bytes: found.reduce((total, { bytes }) => total + bytes, 0) };
  };
  return {
    keep: sum("keep"),
    lastGood: sum("last good"),
    remove: sum("remove"),
    toCopyOut: entries.reduce((total, { toCopyOut }) => total + toCopyOut, 0),
  };
}

/** The entries of one page. A page past the last is the last. */
export function pageOf(
  entries: readonly PreviewEntry[],
  { decision, page: asked }: { decision: DecisionFilter; page: number },
): { shown: readonly PreviewEntry[]; matching: number; page: number; pages: number } {
  const found = entries.filter((entry) => isWanted(entry, decision));
  const pages = Math.max(1, Math.ceil(found.length / PAGE_SIZE));
  const page = Math.min(asked, pages);
  return { shown: found.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE), matching: found.length, page, pages };
}

function isWanted({ isKept, reason }: PreviewEntry, decision: DecisionFilter): boolean {
  switch (decision) {
    case "all":
      return true;
    case "keep":
      return isKept;
    case "remove":
      return !isKept;
    case "last good":
      return isKept && reason.includes(LAST_GOOD);
  }
}

/** The address of a preview with a change, and with the draft that it is of. What is the default is left out. */
export function hrefOf(
  { query, draft }: { query: PreviewQuery; draft: RetentionDraft | null },
  change: Partial<PreviewQuery> & { page?: number },
): string {
  const { decision, database, after, page = 1 } = { ...query, ...change };
  const params = new URLSearchParams(draft === null ? {} : { ...draftFields(draft) });
  if (decision !== DECISIONS[0]) params.set("decision", decision);
  if (database !== "") params.set("database", database);
  if (after !== "") params.set("after", after);
  if (page !== 1) params.set("page", String(page));
  return params.size === 0 ? "/dashboard/retention/preview" : `/dashboard/retention/preview?${params}`;
}
