import type { DayState } from "@patina/core/calendar";
import type { Standing } from "@patina/core/standing";

/** Signs that differ in shape, so that colour is never the only one. Each stands beside its word. */
export type Sign = "check" | "cross" | "clock" | "waves" | "ring" | "pause" | "turn" | "back" | "gap" | "dot";
export type Tone = "good" | "bad" | "warn" | "run" | "none";

const SHAPES: Record<Sign, string> = {
  check: "M3 8.5l3.2 3.2L13 4.6",
  cross: "M4 4l8 8M12 4l-8 8",
  clock: "M8 1.8a6.2 6.2 0 1 0 0 12.4a6.2 6.2 0 1 0 0-12.4M8 4.6V8l2.5 1.8",
  waves: "M2 6q3-3 6 0t6 0M2 11q3-3 6 0t6 0",
  ring: "M8 2.2a5.8 5.8 0 1 0 0 11.6a5.8 5.8 0 1 0 0-11.6",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  turn: "M13.4 8A5.4 5.4 0 1 1 8 2.6",
  back: "M3 3.2v4h4M3.4 7A5.3 5.3 0 1 1 4 11",
  gap: "M2.5 8h2.5M11 8h2.5",
  dot: "M8 8h.01",
};

/** A sign without words of its own: the text beside it says what it means. */
export function Glyph({ sign, tone, turning = false }: { sign: Sign; tone: Tone; turning?: boolean }) {
  return (
    <svg class={`glyph t-${tone}${turning ? " turning" : ""}`} viewBox="0 0 16 16" aria-hidden="true">
      <path
        d={SHAPES[sign]}
        fill="none"
        stroke="currentColor"
        stroke-width="2"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

/** A sign with its word. */
function Chip({ sign, tone, word }: { sign: Sign; tone: Tone; word: string }) {
  return (
    <span class={`chip t-${tone}`}>
      <Glyph sign={sign} tone={tone} turning={sign === "turn"} />
      {word}
    </span>
  );
}

const STANDINGS: Record<Standing, { sign: Sign; tone: Tone; word: string }> = {
  failing: { sign: "cross", tone: "bad", word: "failing" },
  overdue: { sign: "clock", tone: "bad", word: "overdue" },
  fuzzy: { sign: "waves", tone: "warn", word: "fuzzy" },
  waiting: { sign: "ring", tone: "none", word: "waiting" },
  good: { sign: "check", tone: "good", word: "backed up" },
  paused: { sign: "pause", tone: "none", word: "paused" },
};

export function StandingChip({ standing, isActive }: { standing: Standing; isActive: boolean }) {
  return isActive ? <Chip sign="turn" tone="run" word="backing up" /> : <Chip {...STANDINGS[standing]} />;
}

/** What each day of a calendar is called. */
export const DAY_WORDS: Record<DayState, string> = {
  none: "nothing expected",
  due: "due today",
  running: "running",
  good: "backed up",
  fuzzy: "backed up, fuzzy",
  recovered: "failed, then backed up",
  failed: "failed",
  missed: "missed",
};

/** How a task, a job, a backup, a dead letter, a channel, an alert, an archive, a drill or a prune is, by its word. */
const STATES: Record<string, { sign: Sign; tone: Tone }> = {
  queued: { sign: "ring", tone: "none" },
  running: { sign: "turn", tone: "run" },
  done: { sign: "check", tone: "good" },
  completed: { sign: "check", tone: "good" },
  failed: { sign: "cross", tone: "bad" },
  snapshot: { sign: "check", tone: "good" },
  stable: { sign: "check", tone: "good" },
  fuzzy: { sign: "waves", tone: "warn" },
  open: { sign: "cross", tone: "bad" },
  replayed: { sign: "back", tone: "good" },
  discarded: { sign: "gap", tone: "none" },
  on: { sign: "check", tone: "good" },
  off: { sign: "pause", tone: "none" },
  waiting: { sign: "clock", tone: "none" },
  sending: { sign: "turn", tone: "run" },
  sent: { sign: "check", tone: "good" },
  "given up": { sign: "cross", tone: "bad" },
  rebuilt: { sign: "back", tone: "none" },
  "read back": { sign: "check", tone: "good" },
  planning: { sign: "turn", tone: "run" },
  writing: { sign: "turn", tone: "run" },
  checking: { sign: "turn", tone: "run" },
  incomplete: { sign: "gap", tone: "warn" },
  gone: { sign: "gap", tone: "none" },
  damaged: { sign: "cross", tone: "bad" },
  verified: { sign: "check", tone: "good" },
  unread: { sign: "gap", tone: "warn" },
  proven: { sign: "check", tone: "good" },
  drilled: { sign: "check", tone: "good" },
  passed: { sign: "check", tone: "good" },
  flawed: { sign: "waves", tone: "warn" },
  unprovable: { sign: "ring", tone: "warn" },
  keep: { sign: "check", tone: "good" },
  remove: { sign: "gap", tone: "warn" },
  planned: { sign: "clock", tone: "none" },
  skipped: { sign: "pause", tone: "warn" },
};

export function StateChip({ state }: { state: string }) {
  return <Chip {...(STATES[state] ?? { sign: "dot", tone: "none" })} word={state} />;
}
