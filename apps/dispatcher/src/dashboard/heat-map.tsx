import type { CalendarDay, DayState } from "@patina/core/calendar";
import { bytes, duration } from "@patina/core/wording";
import { SHOWN } from "./day-key.tsx";
import { DAY_WORDS } from "./glyph.tsx";

const CELL = 14;
const STEP = 17;
const LEFT = 28;
const TOP = 15;

/** Signs inside the cells, so that a day can be read without its colour. */
const SIGNS: Partial<Record<DayState, string>> = {
  failed: "M4 4l6 6M10 4l-6 6",
  missed: "M4 7h6",
  fuzzy: "M3 8q2-3 4 0t4 0",
  recovered: "M4 7.5l2 2.5 4-5.5",
  running: "M7 4v6M4 7h6",
};

/** The days as a calendar: a column is an ISO week, Monday at the top. Today is outlined. */
export function HeatMap({ days }: { days: readonly CalendarDay[] }) {
  const [first] = days;
  if (first === undefined) return null;
  const offset = weekday(first.day);
  const columns = Math.ceil((days.length + offset) / 7);
  return (
    <svg
      class="heat"
      viewBox={`0 0 ${LEFT + columns * STEP} ${TOP + 7 * STEP}`}
      role="img"
      aria-label="Calendar of the last 12 weeks; the table below has the same"
    >
      {["Mon", "Wed", "Fri", "Sun"].map((name, i) => (
        <text x="0" y={TOP + i * 2 * STEP + 11}>
          {name}
        </text>
      ))}
      {days.map((day, i) => (
        <Cell
          day={day}
          x={LEFT + Math.floor((i + offset) / 7) * STEP}
          y={TOP + ((i + offset) % 7) * STEP}
          isToday={i === days.length - 1}
        />
      ))}
      {days.map(({ day }, i) =>
        day.endsWith("-01") || i === 0 ? (
          <text x={LEFT + Math.floor((i + offset) / 7) * STEP} y="10">
            {isCrowded(days, i) ? "" : month(day)}
          </text>
        ) : null,
      )}
    </svg>
  );
}

function Cell({ day, x, y, isToday }: { day: CalendarDay; x: number; y: number; isToday: boolean }) {
  const sign = SIGNS[day.state];
  return (
    <g transform={`translate(${x} ${y})`}>
      <title>{describe(day)}</title>
      <rect class={`f-${day.state}${isToday ? " today" : ""}`} width={CELL} height={CELL} rx="3" />
      {sign !== undefined && <path class={`sign-${day.state}`} d={sign} />}
    </g>
  );
}

/** What the cells of the calendar mean. */
export function CellKey() {
  return (
    <ul class="key" aria-label="Key to the days">
      {SHOWN.map((state) => (
        <li>
          <svg class="cell" viewBox={`0 0 ${CELL} ${CELL}`} aria-hidden="true">
            <rect class={`f-${state}`} width={CELL} height={CELL} rx="3" />
            {SIGNS[state] !== undefined && <path class={`sign-${state}`} d={SIGNS[state]} />}
          </svg>
          {DAY_WORDS[state]}
        </li>
      ))}
    </ul>
  );
}

/** `2026-11-20: failed, then backed up; 2 runs, 40.7 KB, 61 ms` */
export function describe({ day, state, runs }: CalendarDay): string {
  const facts = [`${day}: ${DAY_WORDS[state]}`];
  if (runs !== null) {
    const parts = [runs.runs === 1 ? "1 run" : `${runs.runs} runs`];
    if (runs.bytes !== null) parts.push(`${bytes(runs.bytes)} stored`);
    if (runs.ms !== null) parts.push(duration(runs.ms));
    facts.push(parts.join(", "));
  }
  return facts.join("; ");
}

/** 0 for Monday. */
function weekday(day: string): number {
  return (new Date(day).getUTCDay() + 6) % 7;
}

/** A month that begins within the first two weeks would be written over the first one's name. */
function isCrowded(days: readonly CalendarDay[], i: number): boolean {
  return i === 0 && days.slice(1, 21).some(({ day }) => day.endsWith("-01"));
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function month(day: string): string {
  return MONTHS[Number(day.slice(5, 7)) - 1] ?? "";
}
