import type { PastRun } from "@patina/catalog/backup-history";

type Run = Pick<PastRun, "date" | "kind" | "damage" | "isStored" | "archivedIn">;

/** Whether a backup can still be had: as an object of its own, or out of its archive. */
export function isHeld({ isStored, archivedIn }: Pick<Run, "isStored" | "archivedIn">): boolean {
  return isStored || archivedIn !== null;
}

/**
 * The backup that each date stands for, of runs that come newest first, as the vault finds it: the nightly, or else the
 * newest manual one, or else what only an archive holds; a damaged one only when there is no other. What is verified or
 * drilled by its date is that one.
 */
export function firstOfDates<R extends Run>(runs: readonly R[]): Map<string, R> {
  const oldestFirst = runs.filter(isHeld).toReversed();
  // The last one of a date is the one that stays.
  return new Map(oldestFirst.toSorted((a, b) => rankOf(b) - rankOf(a)).map((run) => [run.date, run]));
}

function rankOf({ kind, damage, isStored, archivedIn }: Run): number {
  if (isStored && damage === null) return kind === "nightly" ? 0 : 1;
  if (archivedIn !== null) return 2;
  return kind === "nightly" ? 3 : 4;
}
