/**
 * What a drill looks at, in order: the stored object, whether its statements run, whether SQLite finds the restored
 * database sound, whether it is what was backed up, and whether its full-text indexes fit.
 */
export const CHECKS = [
  "object",
  "restore",
  "quick_check",
  "integrity_check",
  "foreign_keys",
  "rows",
  "digests",
  "definitions",
  "fingerprints",
  "fts",
] as const;

/** How a check, and with it a drill, ended; the worst comes last. */
export const VERDICTS = ["passed", "flawed", "unprovable", "failed"] as const;

/**
 * - `passed`: as it was in the source.
 * - `flawed`: all of it is there, and breaks constraints that the source breaks too.
 * - `unprovable`: a limit of the platform keeps the scratch database from taking it. Says nothing against the backup.
 * - `failed`: not what was backed up, or nothing that can be restored.
 */
export type Verdict = (typeof VERDICTS)[number];

export interface Check {
  readonly name: (typeof CHECKS)[number];
  readonly end: Verdict;
  /** A sentence each, naming tables, never rows. */
  readonly findings: readonly string[];
}

/** A drill is as good as the worst of its checks. Without any it has proven nothing. */
export function verdictOf(checks: readonly Check[]): Verdict {
  const worst = Math.max(...checks.map(({ end }) => VERDICTS.indexOf(end)));
  return VERDICTS[worst] ?? "unprovable";
}

/** Why a drill did not pass: its worst check's first finding. Null when it passed. */
export function reasonOf(checks: readonly Check[]): string | null {
  const verdict = verdictOf(checks);
  if (verdict === "passed") return null;
  const worst = checks.find(({ end }) => end === verdict);
  return worst?.findings[0] ?? "Nothing was checked";
}
