import type { DatabaseDrill } from "@patina/catalog/drill-list";
import type { FleetEntry } from "@patina/catalog/fleet";
import { needsAttention, STANDINGS, type Standing, standingOf } from "@patina/core/standing";
import * as v from "valibot";
import { PageNumber } from "./page-number.ts";

/** Which part of the fleet is shown and in which order: a pure choice over entries that were read already. */

export const SORTS = ["attention", "name", "good", "size", "duration", "drill"] as const;
export type Sort = (typeof SORTS)[number];

export const PAGE_SIZE = 50;

/** What a query string asks for; anything that makes no sense is as if it had not been asked. */
export const FleetQuery = v.object({
  q: v.fallback(v.pipe(v.string(), v.trim(), v.maxLength(64)), ""),
  show: v.fallback(v.picklist([...STANDINGS, "all", "attention"]), "all"),
  sort: v.fallback(v.picklist(SORTS), "attention"),
  page: PageNumber,
});
export type FleetQuery = v.InferOutput<typeof FleetQuery>;

export interface FleetRow {
  readonly entry: FleetEntry;
  readonly standing: Standing;
  /** Its last drill that has ended; null when it never had one. */
  readonly drill: DatabaseDrill | null;
}

export interface FleetPart {
  readonly rows: readonly FleetRow[];
  /** Rows that match, on all pages together. */
  readonly matching: number;
  readonly page: number;
  readonly pages: number;
}

export function withStanding(
  entry: FleetEntry,
  { drill, now }: { drill: DatabaseDrill | null; now: number },
): FleetRow {
  const { isEnabled, since, good, failures, active } = entry;
  const isFuzzy = good?.consistency === "fuzzy";
  const known = { isEnabled, since, goodAt: good?.at ?? null, isFuzzy, failures, isActive: active !== null };
  return { entry, standing: standingOf(known, now), drill };
}

/** The rows of one page. A page past the last is the last. */
export function arrange(rows: readonly FleetRow[], query: FleetQuery): FleetPart {
  const wanted = query.q.toLowerCase();
  const matching = rows.filter(
    ({ entry, standing }) =>
      (query.show === "all" || query.show === standing || (query.show === "attention" && needsAttention(standing))) &&
      (entry.name.includes(wanted) || entry.description.toLowerCase().includes(wanted)),
  );
  const pages = Math.max(1, Math.ceil(matching.length / PAGE_SIZE));
  const page = Math.min(query.page, pages);
  const sorted = matching.sort((a, b) => ORDERS[query.sort](a, b) || (a.entry.name < b.entry.name ? -1 : 1));
  return {
    rows: sorted.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE),
    matching: matching.length,
    page,
    pages,
  };
}

/** Worst first, oldest first, largest first: what somebody sorts by is at the top. */
const ORDERS: Record<Sort, (a: FleetRow, b: FleetRow) => number> = {
  attention: (a, b) =>
    STANDINGS.indexOf(a.standing) - STANDINGS.indexOf(b.standing) || a.entry.priority - b.entry.priority,
  name: () => 0,
  good: (a, b) => (a.entry.good?.at ?? -1) - (b.entry.good?.at ?? -1),
  size: (a, b) => (b.entry.good?.bytes ?? -1) - (a.entry.good?.bytes ?? -1),
  duration: (a, b) => (b.entry.good?.ms ?? -1) - (a.entry.good?.ms ?? -1),
  drill: (a, b) => doubtOf(a) - doubtOf(b) || (a.drill?.at ?? 0) - (b.drill?.at ?? 0),
};

/** What could not be restored is the worst, what was proven longest ago the next of those that are proven. */
function doubtOf({ drill }: FleetRow): number {
  if (drill === null) return 1;
  return { failed: 0, unprovable: 2, flawed: 3, passed: 3 }[drill.verdict];
}
