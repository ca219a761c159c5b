/** What counts as slow or deviating. One set for all channels: an event is true or it is not. */
export interface Thresholds {
  /** A job that runs for longer is slow. */
  readonly slowMinutes: number;
  /** A backup that is larger or smaller than its baseline by more than this share of it deviates. */
  readonly deviationPercent: number;
  /** The UTC hour from which on the summary of a day is sent. */
  readonly summaryHour: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  slowMinutes: 45,
  deviationPercent: 50,
  summaryHour: 8,
};

/** How many good backups before the one in question the baseline is taken from, and how many it needs at least. */
export const BASELINE_BACKUPS = 7;
const BASELINE_NEEDS = 3;

/**
 * The size that a database's next backup is expected to have: the median of its recent good ones, which one outlier does
 * not move.
 *
 * @param sizes bytes of the SQL text of the good backups before, the most recent BASELINE_BACKUPS of them
 * @returns null while there are too few to expect anything
 */
export function baselineOf(sizes: readonly number[]): number | null {
  if (sizes.length < BASELINE_NEEDS) return null;
  const sorted = [...sizes].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : Math.round(((sorted[middle - 1] ?? 0) + upper) / 2);
}

export function deviates(bytes: number, { baseline, percent }: { baseline: number | null; percent: number }): boolean {
  return baseline !== null && Math.abs(bytes - baseline) * 100 > baseline * percent;
}

/** What is known of a database before a result of it is written. */
export interface History {
  /** Results directly before, up to the last good one, that had failed. */
  readonly failures: number;
  /** `rawBytes` of the most recent good backups. */
  readonly sizes: readonly number[];
}

/** What a good backup means after what came before it. */
export interface Judgement {
  readonly recovered: boolean;
  readonly baseline: number | null;
  readonly deviated: boolean;
}

export function judge(
  rawBytes: number,
  { history, thresholds }: { history: History; thresholds: Thresholds },
): Judgement {
  const baseline = baselineOf(history.sizes);
  return {
    recovered: history.failures > 0,
    baseline,
    deviated: deviates(rawBytes, { baseline, percent: thresholds.deviationPercent }),
  };
}
