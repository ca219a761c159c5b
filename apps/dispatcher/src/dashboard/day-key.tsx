import type { DayState } from "@patina/core/calendar";
import { DAY_WORDS } from "./glyph.tsx";
import { BAR } from "./strip.tsx";

/** States that need explaining. */
export const SHOWN: readonly DayState[] = ["good", "fuzzy", "recovered", "failed", "missed", "running"];

/** What the bars of the strips mean. */
export function DayKey() {
  return (
    <ul class="key" aria-label="Key to the days">
      {SHOWN.map((state) => (
        <li>
          <svg viewBox="0 0 8 20" aria-hidden="true">
            <path class={`s-${state}`} d={`M1 ${20 - BAR[state] / 2}H7`} stroke-width={BAR[state]} />
          </svg>
          {DAY_WORDS[state]}
        </li>
      ))}
    </ul>
  );
}
