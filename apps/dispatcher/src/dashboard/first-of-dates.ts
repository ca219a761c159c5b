import type { PastRun } from "@patina/catalog/backup-history";

type Run = Pick<PastRun, "date" | "kind" | "damage" | "isStored">;

/**
 * The backup that each date stands for, of runs that come newest first, as the vault finds it: the nightly, or else the newest manual one; a damaged one
 * only when there is no other. What is verified or drilled by its date is that one.
 */
export function firstOfDates<R extends Run>(runs: readonly R[]): Map<string, R> {
  const rank = ({ kind, damage }: Run) => (damage === null ? 0 : 2) + (kind === "nightly" ? 0 : 1);
  const oldestFirst = runs.filter(({ isStored }) => isStored).toReversed();
  // The last one of a date is the one that stays.
  return new Map(oldestFirst.toSorted((a, b) => rank(b) - rank(a)).map((run) => [run.date, run]));
}
