import type { PastRun } from "@patina/catalog/backup-history";
import type { DrillRow } from "@patina/catalog/drills";
import type { CalendarDay } from "@patina/core/calendar";
import { ERROR_CODES, isErrorCode } from "@patina/core/error";
import { PRIORITIES } from "@patina/core/job";
import { needsAttention } from "@patina/core/standing";
import { bytes, count, roughly } from "@patina/core/wording";
import { BackupsPanel } from "./backups-panel.tsx";
import type { FleetRow } from "./fleet-view.ts";
import { DAY_WORDS, StandingChip } from "./glyph.tsx";
import { CellKey, describe, HeatMap } from "./heat-map.tsx";
import { Moment, utc } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";
import { Plots } from "./plots.tsx";
import { type Content, TableRowsPanel } from "./table-rows-panel.tsx";
import { ProvenLine } from "./verdict.tsx";

export interface DatabaseFacts {
  readonly frame: Frame;
  readonly row: FleetRow;
  readonly binding: string;
  readonly blockedReason: string | null;
  readonly days: readonly CalendarDay[];
  readonly content: Content;
  /** Newest first. */
  readonly runs: readonly PastRun[];
  /** Newest first. */
  readonly drills: readonly DrillRow[];
  /** The part of the runs that is listed. */
  readonly page: number;
  readonly nextRun: number;
}

/** One database: how it stands, its last 12 weeks, its sizes and durations, and every backup there is. */
export function DatabasePage(facts: DatabaseFacts) {
  const { frame, row, days, runs, drills, page } = facts;
  const { name } = row.entry;
  return (
    <Page title={name} frame={frame} section="fleet">
      <p class="crumb">
        <a href="/dashboard">Fleet</a> / <span class="mono">{name}</span>
      </p>
      <Head {...facts} />
      <div class="columns">
        <section class="panel" aria-label="Calendar">
          <header>
            <h2>12 weeks</h2>
            <small>{count(days.filter(({ runs: found }) => (found?.good ?? 0) > 0).length)} days with a backup</small>
          </header>
          <div class="body">
            <HeatMap days={days} />
            <BadDays days={days} />
          </div>
          <CellKey />
        </section>
        <section class="panel" aria-label="Size and times">
          <header>
            <h2>Size and times</h2>
          </header>
          <div class="body">
            <Plots days={days} runs={runs} drills={drills} />
          </div>
        </section>
      </div>
      <BackupsPanel runs={runs} frame={frame} name={name} page={page} />
      <div class="columns">
        <TableRowsPanel content={facts.content} />
        <About {...facts} />
      </div>
    </Page>
  );
}

function Head({ frame, row, drills, nextRun }: DatabaseFacts) {
  const { entry, standing } = row;
  const open = drills.find(({ state }) => state !== "done");
  return (
    <section class="hero" aria-label="State of the database">
      <StandingChip standing={standing} isActive={entry.active !== null} />
      <h1>{sentence(row, frame.now)}</h1>
      {frame.principal.role === "admin" && (
        <form method="post" action={`/dashboard/databases/${entry.name}/trigger`}>
          <button type="submit">Back up now</button>
        </form>
      )}
      {entry.good !== null && <ProvenLine drill={row.drill} now={frame.now} />}
      <p>
        {entry.active !== null && (
          <>
            Under way in <a href={`/dashboard/jobs/${entry.active.job}`}>{entry.active.job}</a>.{" "}
          </>
        )}
        {open !== undefined && (
          <>
            <a href={`/dashboard/drills/${open.id}`}>A drill</a> is under way.{" "}
          </>
        )}
        <a href={`/dashboard/databases/${entry.name}/restore`}>Restore guide</a>.{" "}
        {entry.description !== "" && `${entry.description}. `}
        {entry.isEnabled ? (
          <>
            Next: nightly <Moment at={nextRun} now={frame.now} />.
          </>
        ) : (
          "It is paused: no run is scheduled."
        )}
      </p>
      {needsAttention(standing) && entry.failure !== null && (
        <p class="wrap">
          {entry.failure.message}. {isErrorCode(entry.failure.code) ? ERROR_CODES[entry.failure.code].next : ""}
        </p>
      )}
    </section>
  );
}

/** What somebody wants to know first of one database. */
function sentence({ entry, standing }: FleetRow, now: number): string {
  const { name, good, failures } = entry;
  if (good === null) return failures > 0 ? `${name} has never had a good backup` : `${name} has no backup yet`;
  const age = roughly(now - good.at);
  const since = failures === 0 ? "" : `; ${failures} ${failures === 1 ? "run has" : "runs have"} failed since`;
  const kind = standing === "fuzzy" ? "newest backup, a fuzzy one," : "newest backup";
  return `The ${kind} of ${name} is ${age} old${since}`;
}

/** The days that were not good, in words: the calendar for those who do not see it. */
function BadDays({ days }: { days: readonly CalendarDay[] }) {
  const told = days.filter(({ state }) => state !== "none");
  return (
    <details>
      <summary>The same as a table</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col">State</th>
            <th scope="col" class="num">
              Runs
            </th>
            <th scope="col" class="num">
              Stored
            </th>
          </tr>
        </thead>
        <tbody>
          {told.toReversed().map((day) => (
            <tr title={describe(day)}>
              <td class="nowrap">{day.day}</td>
              <td>{DAY_WORDS[day.state]}</td>
              <td class="num">{day.runs?.runs ?? 0}</td>
              <td class="num">{day.runs?.bytes == null ? "–" : bytes(day.runs.bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function About({ row: { entry }, binding, blockedReason }: DatabaseFacts) {
  return (
    <section class="panel" aria-label="Registry">
      <header>
        <h2>Registry</h2>
      </header>
      <div class="body">
        <dl class="facts">
          <dt>Environment</dt>
          <dd>{entry.environment}</dd>
          <dt>Priority</dt>
          <dd>{PRIORITIES[entry.priority] ?? "normal"}</dd>
          <dt>Binding of the exporter</dt>
          <dd>
            <code>{binding}</code>
          </dd>
          <dt>Registered</dt>
          <dd>{utc(entry.since)}</dd>
          <dt>Retention</dt>
          <dd>
            <a href={`/dashboard/retention/preview?database=${entry.name}&decision=all`}>
              What the next prune would do
            </a>
          </dd>
          {blockedReason !== null && (
            <>
              <dt>Known against it</dt>
              <dd class="t-bad">{blockedReason}</dd>
            </>
          )}
        </dl>
      </div>
    </section>
  );
}
