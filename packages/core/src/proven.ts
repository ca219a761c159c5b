import type { Verdict } from "./drill.ts";
import { roughly } from "./wording.ts";

/** A database's last drill, as far as words for it are concerned. */
export interface LastDrill {
  readonly verdict: Verdict;
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number;
  /** Why it did not pass; null when it did. */
  readonly reason: string | null;
}

/** What the drills say of a database: how much it needs attention, and a phrase for people. */
export interface Proven {
  readonly tone: "good" | "attention" | "unknown";
  /** Without a full stop: `restorable, proven 3 days ago`. */
  readonly phrase: string;
}

export function provenOf(last: LastDrill | null, now: number): Proven {
  if (last === null) return { tone: "unknown", phrase: "not proven yet" };
  const ago = `${roughly(now - last.at)} ago`;
  switch (last.verdict) {
    case "passed":
      return { tone: "good", phrase: `restorable, proven ${ago}` };
    case "flawed":
      return { tone: "good", phrase: `restorable, proven ${ago}; it breaks its own constraints, as its source does` };
    case "unprovable":
      return { tone: "unknown", phrase: `could not be proven ${ago}${because(last)}` };
    case "failed":
      return { tone: "attention", phrase: `not restorable as it was, found ${ago}${because(last)}` };
  }
}

function because({ reason }: LastDrill): string {
  return reason === null ? "" : `: ${reason}`;
}
