/** One value of a plot over days. */
export interface Point {
  /** 0 for the first day of the plot; several points may share a day. */
  readonly day: number;
  readonly value: number;
  /** What is shown on hover. */
  readonly words: string;
  readonly isAnomaly: boolean;
}

interface PlotFacts {
  readonly title: string;
  readonly days: number;
  readonly points: readonly Point[];
  readonly kind: "line" | "bars";
  readonly format: (value: number) => string;
  /** What is normal: drawn as a band. */
  readonly band: { readonly from: number; readonly to: number } | null;
  readonly first: string;
  readonly last: string;
}

const WIDTH = 600;
const HEIGHT = 120;

/** Values over days, from zero up. The labels are text beside the drawing, so that they keep their size on a phone. */
export function Plot({ title, days, points, kind, format, band, first, last }: PlotFacts) {
  const top = Math.max(...points.map(({ value }) => value), band?.to ?? 0, 1) * 1.06;
  const x = (day: number) => round(((day + 0.5) / days) * WIDTH);
  const y = (value: number) => round(HEIGHT - (value / top) * HEIGHT);
  const anomalies = points.filter(({ isAnomaly }) => isAnomaly);
  return (
    <figure class="plot">
      <figcaption>
        <span>{title}</span>
        {anomalies.length > 0 && <span class="t-warn">◆ {anomalies.length} unusual</span>}
      </figcaption>
      <div class="axes">
        <small>{format(top)}</small>
        <small>0</small>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={title}>
          {band !== null && (
            <rect class="band" x="0" y={y(band.to)} width={WIDTH} height={round(y(band.from) - y(band.to))}>
              <title>{`Usual: ${format(band.from)} to ${format(band.to)}`}</title>
            </rect>
          )}
          {kind === "line" && points.length > 1 && (
            <path class="line" d={`M${points.map(({ day, value }) => `${x(day)} ${y(value)}`).join("L")}`} />
          )}
          {kind === "bars" && (
            <path class="bars" d={points.map(({ day, value }) => `M${x(day)} ${HEIGHT}V${y(value)}`).join("")} />
          )}
          {anomalies.map(({ day, value }) => (
            <path class="anomaly" d={`M${x(day)} ${y(value)}h.01`} />
          ))}
          {points.map(({ day, value, words }) => (
            <path class="dot" d={`M${x(day)} ${y(value)}h.01`}>
              <title>{words}</title>
            </path>
          ))}
        </svg>
        <small>{first}</small>
        <small>{last}</small>
      </div>
    </figure>
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
