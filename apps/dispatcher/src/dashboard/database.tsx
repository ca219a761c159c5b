import type { PastRun } from "@patina/catalog/backup-history";
import type { CalendarDay } from "@patina/core/calendar";
import { ERROR_CODES, isErrorCode } from "@patina/core/error";
import { PRIORITIES } from "@patina/core/job";
import { needsAttention } from "@patina/core/standing";
import { bytes, count, duration, roughly } from "@patina/core/wording";
import type { FleetRow } from "./fleet-view.ts";
import { DAY_WORDS, StandingChip, StateChip } from "./glyph.tsx";
import { CellKey, describe, HeatMap } from "./heat-map.tsx";
import { Moment, utc } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";
import { Plot, type Point } from "./plot.tsx";
import { type Content, TableRowsPanel } from "./table-rows-panel.tsx";

export interface DatabaseFacts {
  readonly frame: Frame;
  readonly row: FleetRow;
  readonly binding: string;
  readonly blockedReason: string | null;
  readonly days: readonly CalendarDay[];
  readonly content: Content;
  /** Newest first. */
  readonly runs: readonly PastRun[];
  /** The part of the runs that is listed. */
  readonly page: number;
  readonly nextRun: number;
}

/** Runs that are listed at once. */
const LISTED = 20;

/** One database: how it stands, its last 12 weeks, its sizes and durations, and every backup there is. */
export function DatabasePage(facts: DatabaseFacts) {
  const { frame, row, days, runs, page } = facts;
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
        <section class="panel" aria-label="Size and duration">
          <header>
            <h2>Size and duration</h2>
          </header>
          <div class="body">
            <Plots days={days} runs={runs} />
          </div>
        </section>
      </div>
      <Runs runs={runs} frame={frame} name={name} page={page} />
      <div class="columns">
        <TableRowsPanel content={facts.content} />
        <About {...facts} />
      </div>
    </Page>
  );
}

function Head({ frame, row, nextRun }: DatabaseFacts) {
  const { entry, standing } = row;
  return (
    <section class="hero" aria-label="State of the database">
      <StandingChip standing={standing} isActive={entry.active !== null} />
      <h1>{sentence(row, frame.now)}</h1>
      {frame.principal.role === "admin" && (
        <form method="post" action={`/dashboard/databases/${entry.name}/trigger`}>
          <button type="submit">Back up now</button>
        </form>
      )}
      <p>
        {entry.active !== null && (
          <>
            Under way in <a href={`/dashboard/jobs/${entry.active.job}`}>{entry.active.job}</a>.{" "}
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

function Plots({ days, runs }: { days: readonly CalendarDay[]; runs: readonly PastRun[] }) {
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
    </>
  );
}

interface RunsFacts {
  readonly runs: readonly PastRun[];
  readonly frame: Frame;
  readonly name: string;
  readonly page: number;
}

function Runs({ runs, frame, name, page }: RunsFacts) {
  const pages = Math.max(1, Math.ceil(runs.length / LISTED));
  const shown = Math.min(page, pages);
  return (
    <section class="panel" aria-label="Backups">
      <header>
        <h2>Backups</h2>
        <small>{count(runs.length)} runs in 12 weeks</small>
      </header>
      {runs.length === 0 ? (
        <div class="empty">
          <p>No run of it has ended yet. It is part of the next nightly, or start one now:</p>
          <code>{`curl -X POST -H "Authorization: Bearer $TOKEN" -d '{"database":"${name}"}' $PATINA_URL/trigger`}</code>
        </div>
      ) : (
        <div class="scroll">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">Date</th>
                <th scope="col">State</th>
                <th scope="col">Ended</th>
                <th scope="col" class="num">
                  Rows
                </th>
                <th scope="col" class="num">
                  SQL
                </th>
                <th scope="col" class="num">
                  Stored
                </th>
                <th scope="col" class="num">
                  Duration
                </th>
                <th scope="col">SHA-256</th>
                <th scope="col">Get</th>
              </tr>
            </thead>
            <tbody>
              {runs.slice((shown - 1) * LISTED, shown * LISTED).map((run) => (
                <RunRow run={run} name={name} frame={frame} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pages > 1 && (
        <nav class="pages" aria-label="Pages">
          <span>
            Page {shown} of {pages}
          </span>
          {shown > 1 && <a href={`?page=${shown - 1}`}>Newer</a>}
          {shown < pages && <a href={`?page=${shown + 1}`}>Older</a>}
        </nav>
      )}
    </section>
  );
}

function RunRow({ run, name, frame: { now, principal } }: { run: PastRun; name: string; frame: Frame }) {
  const isGood = run.status === "succeeded";
  return (
    <tr>
      <td class="name">
        <a href={`/dashboard/jobs/${run.job}`}>{run.date}</a>
        <small>{run.kind}</small>
      </td>
      <td class="state">
        <StateChip state={isGood ? (run.consistency ?? "done") : "failed"} />
      </td>
      <td data-label="Ended">
        <Moment at={run.at} now={now} />
      </td>
      {isGood ? (
        <>
          <td data-label="Rows" class="num">
            {count(run.rows ?? 0)}
          </td>
          <td data-label="SQL" class="num">
            {bytes(run.rawBytes ?? 0)}
          </td>
          <td data-label="Stored" class="num">
            {bytes(run.storedBytes ?? 0)}
          </td>
          <td data-label="Duration" class="num">
            {duration(run.ms ?? 0)}
          </td>
          <td data-label="SHA-256">
            <code title={run.digest ?? ""}>{(run.digest ?? "").slice(0, 12)}</code>
            <Proofs run={run} now={now} />
          </td>
          <td data-label="Get">
            {run.isStored && principal.role === "admin" ? <Downloads run={run} name={name} /> : "–"}
          </td>
        </>
      ) : (
        <td colspan={6} class="wide wrap">
          {run.error}.{" "}
          <span class="soft">{run.code !== null && isErrorCode(run.code) ? ERROR_CODES[run.code].next : ""}</span>
        </td>
      )}
    </tr>
  );
}

/** What has been shown of a backup since. */
function Proofs({ run, now }: { run: PastRun; now: number }) {
  return (
    <>
      {!run.isStored && <small> no longer stored</small>}
      {run.damage !== null && (
        <small class="t-bad" title={run.damage}>
          {" "}
          damaged
        </small>
      )}
      {run.damage === null && run.verifiedAt !== null && (
        <small>
          {" "}
          verified <Moment at={run.verifiedAt} now={now} />
        </small>
      )}
      {run.drilledAt !== null && (
        <small>
          {" "}
          drilled <Moment at={run.drilledAt} now={now} />
        </small>
      )}
    </>
  );
}

function Downloads({ run, name }: { run: PastRun; name: string }) {
  const even = run.damage === null ? "" : "&damaged=true";
  const address = `/dashboard/download/${run.date}/${name}?job=${run.job}${even}`;
  return (
    <span class="actions">
      <a href={address} aria-label={`Download ${name} of ${run.date} as .sql.gz`}>
        .sql.gz
      </a>
      <a href={`${address}&format=sql`} aria-label={`Download ${name} of ${run.date} as plain SQL`}>
        .sql
      </a>
    </span>
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
