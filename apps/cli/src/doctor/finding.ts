import type { Tone } from "../output/print.ts";
import { tone } from "../output/print.ts";
import type { Column } from "../output/table.ts";

/** One thing that was looked at, in the words of the API's GET /doctor; `unknown`: it could not be looked at. */
export interface Finding {
  readonly subject: string;
  readonly name: string;
  readonly end: "good" | "warning" | "bad" | "unknown";
  /** A sentence without its full stop. */
  readonly detail: string;
  /** What to do; null when there is nothing. */
  readonly next: string | null;
}

const TONES: Readonly<Record<Finding["end"], Tone>> = { good: "good", warning: "warn", bad: "bad", unknown: "warn" };

export const FINDING_COLUMNS: readonly Column<Finding>[] = [
  { head: "end", value: ({ end }) => end, show: ({ end }) => tone(TONES[end], end) },
  { head: "subject", value: ({ subject }) => subject },
  { head: "name", value: ({ name }) => name },
  { head: "detail", value: ({ detail }) => detail },
];
