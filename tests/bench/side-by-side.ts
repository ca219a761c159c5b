/** Something that is measured: one run of it, and what is known of that run. */
export interface Contender {
  readonly name: string;
  run(): Promise<Run>;
}

interface Run {
  /** Where the run measured itself; otherwise it is the time that run() took. */
  readonly seconds?: number;
  /** Seconds of CPU, which other work on the machine does not add to. */
  readonly cpu?: number;
  /** Most memory in bytes. */
  readonly peak?: number;
  /** Bytes of what was made. */
  readonly stored?: number;
}

/** What many runs of one contender say. */
export interface Measurement {
  readonly name: string;
  readonly fastest: number;
  readonly median: number;
  /** Its time over that of the first contender, the median over the rounds: both of a pair ran in the same minute. */
  readonly ratio: number;
  /** Median seconds of CPU; 0 where they were not measured. */
  readonly cpu: number;
  readonly peak: number;
  readonly stored: number;
}

/** Runs all contenders in turn, round after round, so that whatever disturbs the machine disturbs all of them. */
export async function sideBySide(contenders: readonly Contender[], rounds: number): Promise<Measurement[]> {
  const seconds = contenders.map((): number[] => []);
  const cpu = contenders.map((): number[] => []);
  const last = contenders.map((): Run => ({}));
  const peaks = contenders.map(() => 0);
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, contender] of contenders.entries()) {
      const started = performance.now();
      const run = await contender.run();
      seconds[i]?.push(run.seconds ?? (performance.now() - started) / 1_000);
      cpu[i]?.push(run.cpu ?? 0);
      peaks[i] = Math.max(peaks[i] ?? 0, run.peak ?? 0);
      last[i] = run;
    }
  }
  return contenders.map(({ name }, i) => {
    const own = seconds[i] ?? [];
    return {
      name,
      fastest: Math.min(...own),
      median: median(own),
      ratio: median(own.map((time, round) => time / (seconds[0]?.[round] ?? time))),
      cpu: median(cpu[i] ?? []),
      peak: peaks[i] ?? 0,
      stored: last[i]?.stored ?? 0,
    };
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
