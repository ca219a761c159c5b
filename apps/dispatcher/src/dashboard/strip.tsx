import type { CalendarDay, DayState } from "@patina/core/calendar";
import { DAY_WORDS } from "./glyph.tsx";

/** Height of a day's bar, in pixels from the bottom: states differ in height as well as in colour. */
export const BAR: Record<DayState, number> = {
  none: 2,
  due: 2,
  missed: 4,
  good: 10,
  running: 10,
  fuzzy: 14,
  recovered: 17,
  failed: 20,
};

const STEP = 3;
const HEIGHT = 20;

/** A history as one bar a day: one path a state, each stretch of days a dashed line, so that a row costs few bytes. */
export function Strip({ days }: { days: readonly CalendarDay[] }) {
  const words = summary(days);
  return (
    <svg
      class="strip"
      viewBox={`0 0 ${days.length * STEP} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={words}
    >
      <title>{words}</title>
      {[...stretches(days)].map(([state, path]) => (
        <path class={`s-${state}`} d={path} stroke-width={BAR[state]} stroke-dasharray="2 1" />
      ))}
    </svg>
  );
}

function stretches(days: readonly CalendarDay[]): Map<DayState, string> {
  const paths = new Map<DayState, string>();
  for (let start = 0; start < days.length; ) {
    const state = days[start]?.state ?? "none";
    let end = start + 1;
    while (days[end]?.state === state) end += 1;
    const line = `M${start * STEP} ${HEIGHT - BAR[state] / 2}H${end * STEP}`;
    paths.set(state, (paths.get(state) ?? "") + line);
    start = end;
  }
  return paths;
}

/** `Last 84 days: 80 backed up, 1 failed, 3 missed` */
function summary(days: readonly CalendarDay[]): string {
  const counts = new Map<DayState, number>();
  for (const { state } of days) counts.set(state, (counts.get(state) ?? 0) + 1);
  counts.delete("none");
  const parts = [...counts].map(([state, count]) => `${count} ${DAY_WORDS[state]}`);
  return `Last ${days.length} days: ${parts.length === 0 ? "nothing was expected" : parts.join(", ")}`;
}
