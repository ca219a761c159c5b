import { bytes, duration } from "@patina/core/wording";
import { cut } from "./cut.ts";

/** How often a line is written where it cannot be drawn over, and how often it is drawn where it can. */
const LINE_MS = 10_000;
const DRAW_MS = 100;

/** Tells how a long piece of work goes, on standard error: one line on a terminal, otherwise a line every ten seconds. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  readonly #label: string;
  /** Bytes in all; null when nobody knows. */
  readonly #total: number | null;
  readonly #clock: () => number;
  readonly #start: number;
  #told: number;
  #isDrawn = false;

  constructor(label: string, options: { total: number | null; stream?: NodeJS.WriteStream; clock?: () => number }) {
    this.#label = label;
    this.#total = options.total;
    this.#stream = options.stream ?? process.stderr;
    this.#clock = options.clock ?? Date.now;
    this.#start = this.#clock();
    this.#told = this.#start;
  }

  show(done: number, more?: string): void {
    const now = this.#clock();
    if (now - this.#told < (this.#stream.isTTY ? DRAW_MS : LINE_MS)) return;
    this.#told = now;
    const line = describe({ label: this.#label, total: this.#total, done, ms: now - this.#start, more });
    if (!this.#stream.isTTY) {
      this.#stream.write(`${line}\n`);
      return;
    }
    this.#stream.write(`\r\u001B[2K${cut(line, this.#stream)}`);
    this.#isDrawn = true;
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isDrawn) this.#stream.write("\r\u001B[2K");
    this.#isDrawn = false;
  }
}

/** `Restoring shop  12 MB of 65 MB (18 %), 40 MB/s, 1.3 s left` */
export function describe(state: {
  label: string;
  total: number | null;
  done: number;
  ms: number;
  more?: string | undefined;
}): string {
  const { label, total, done, ms, more } = state;
  const rate = ms > 0 ? (done / ms) * 1_000 : 0;
  const parts = [total === null ? bytes(done) : `${bytes(done)} of ${bytes(total)} (${percent(done, total)} %)`];
  if (more !== undefined) parts.push(more);
  if (rate > 0) parts.push(`${bytes(rate)}/s`);
  if (rate > 0 && total !== null && total > done) parts.push(`${duration(((total - done) / rate) * 1_000)} left`);
  return `${label}  ${parts.join(", ")}`;
}

function percent(done: number, total: number): number {
  return total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100));
}
