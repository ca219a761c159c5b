import type { PastRun } from "@patina/catalog/backup-history";
import type { DrillRow } from "@patina/catalog/drills";
import type { CalendarDay } from "@patina/core/calendar";
import { dateOf } from "@patina/core/date";
import { bytes, duration } from "@patina/core/wording";
import { Plot, type Point } from "./plot.tsx";

interface PlotsFacts {
  readonly days: readonly CalendarDay[];
  readonly runs: readonly PastRun[];
  /** Newest first. */
  readonly drills: readonly DrillRow[];
}

/** Sizes and durations of a database's backups over the days, and how long restoring them took. */
export function Plots({ days, runs, drills }: PlotsFacts) {
  const places = new Map(days.map(({ day }, i) => [day, i]));
  const good = runs.filter(({ status, date }) => status === "succeeded" && places.has(date)).toReversed();
  if (good.length === 0) return <p class="empty">There is no backup in these 12 weeks to plot.</p>;
  const points = (value: (run: PastRun) => number, format: (value: number) => string): Point[] =>
    good.map((run) => ({
      day: places.get(run.date) ?? 0,
      value: value(run),
      words: `${run.date}: ${format(value(run))}`,
      isAnomaly: false,
    }));
  const axis = { days: days.length, first: days[0]?.day ?? "", last: days.at(-1)?.day ?? "" };
  return (
    <>
      <Plot
        {...axis}
        title="Size of the SQL"
        kind="line"
        format={bytes}
        band={null}
        points={points(({ rawBytes }) => rawBytes ?? 0, bytes)}
      />
      <Plot
        {...axis}
        title="Duration"
        kind="bars"
        format={duration}
        band={null}
        points={points(({ ms }) => ms ?? 0, duration)}
      />
      <RestorePlot axis={axis} places={places} drills={drills} />
    </>
  );
}

interface RestoreFacts {
  readonly axis: { readonly days: number; readonly first: string; readonly last: string };
  readonly places: ReadonlyMap<string, number>;
  readonly drills: readonly DrillRow[];
}

function RestorePlot({ axis, places, drills }: RestoreFacts) {
  const points = drills.toReversed().flatMap(({ finishedAt, restoreMs, verdict, date }): Point[] => {
    const day = finishedAt === null ? undefined : places.get(dateOf(finishedAt));
    if (day === undefined || finishedAt === null || restoreMs === null) return [];
    const words = `${dateOf(finishedAt)}: the backup of ${date ?? "no date"} ${verdict ?? ""}, restored in ${duration(restoreMs)}`;
    return [{ day, value: restoreMs, words, isAnomaly: verdict === "failed" }];
  });
  if (points.length === 0) return <p class="soft">No drill of these 12 weeks has restored it.</p>;
  return <Plot {...axis} title="Restore time in drills" kind="line" format={duration} band={null} points={points} />;
}
