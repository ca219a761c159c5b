import type { CalendarDay } from "@patina/core/calendar";
import { bytes } from "@patina/core/wording";

const WIDTH = 70;
const HEIGHT = 18;

/** Stored sizes of the last days as a small line; nothing when there are fewer than two. */
export function Spark({ days }: { days: readonly CalendarDay[] }) {
  const sizes = days.flatMap(({ runs }, i) => (runs?.bytes == null ? [] : [{ i, bytes: runs.bytes }]));
  if (sizes.length < 2) return null;
  const low = Math.min(...sizes.map((size) => size.bytes));
  const high = Math.max(...sizes.map((size) => size.bytes));
  // A size that hardly moves should look level: the scale spans at least a tenth of it.
  const span = Math.max(high - low, high / 10, 1);
  const points = sizes.map((size) => {
    const x = round((size.i / Math.max(1, days.length - 1)) * WIDTH);
    return `${x} ${round(HEIGHT - 2 - ((size.bytes - (low + high - span) / 2) / span) * (HEIGHT - 4))}`;
  });
  const words = `Stored size over ${days.length} days: ${bytes(low)} to ${bytes(high)}`;
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={words}>
      <title>{words}</title>
      <path d={`M${points.join("L")}`} />
      <path class="end" d={`M${points.at(-1)}h.01`} />
    </svg>
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
