import type { Job } from "@patina/catalog/jobs";
import type { CalendarDay } from "@patina/core/calendar";
import { DAY } from "@patina/core/date";
import { ERROR_CODES, isErrorCode } from "@patina/core/error";
import { PRIORITIES } from "@patina/core/job";
import { needsAttention, STANDINGS } from "@patina/core/standing";
import type { Truth } from "@patina/core/truth";
import { bytes, count, duration } from "@patina/core/wording";
import { DayKey } from "./day-key.tsx";
import { type FleetPart, type FleetQuery, type FleetRow, SORTS, type Sort } from "./fleet-view.ts";
import { Glyph, type Sign, StandingChip, type Tone } from "./glyph.tsx";

import { Moment } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";
import { Spark } from "./spark.tsx";
import { Strip } from "./strip.tsx";
import { LastDrill } from "./verdict.tsx";

export interface FleetFacts {
  readonly frame: Frame;
  readonly truth: Truth;
  readonly all: readonly FleetRow[];
  readonly part: FleetPart;
  readonly query: FleetQuery;
  /** The days of each database that is shown, by name. */
  readonly days: ReadonlyMap<string, readonly CalendarDay[]>;
  readonly running: readonly Job[];
  readonly last: Job | null;
  readonly nextRun: number;
}

/** The whole fleet: one sentence of truth, what needs attention, and every database with its history. */
export function FleetPage(facts: FleetFacts) {
  const { frame, truth, all } = facts;
  return (
    <Page title="Fleet" frame={frame} section="fleet">
      <Hero {...facts} />
      {all.length === 0 ? <NoDatabase /> : <Counters all={all} now={frame.now} />}
      {truth.tone === "attention" && <Attention all={all} now={frame.now} />}
      {all.length > 0 && <FleetTable {...facts} />}
    </Page>
  );
}

const TONES: Record<Truth["tone"], { sign: Sign; tone: Tone }> = {
  attention: { sign: "cross", tone: "bad" },
  running: { sign: "turn", tone: "run" },
  good: { sign: "check", tone: "good" },
  waiting: { sign: "clock", tone: "none" },
  empty: { sign: "ring", tone: "none" },
};

function Hero({ truth, frame, last, running, nextRun, all }: FleetFacts) {
  const sign = TONES[truth.tone];
  return (
    <section class="hero" aria-label="State of the fleet">
      <Glyph {...sign} turning={sign.sign === "turn"} />
      <h1>{truth.sentence}</h1>
      {frame.principal.role === "admin" && all.length > 0 && (
        <form method="post" action="/dashboard/trigger">
          <button type="submit">Back up all now</button>
        </form>
      )}
      <p>
        {running.map((job) => (
          <>
            Running: <a href={`/dashboard/jobs/${job.id}`}>{job.id}</a>, since{" "}
            <Moment at={job.startedAt} now={frame.now} />.{" "}
          </>
        ))}
        {last !== null && (
          <>
            Last: <a href={`/dashboard/jobs/${last.id}`}>{last.id}</a> backed up {count(last.succeeded)} of{" "}
            {count(last.databases)} in {duration((last.finishedAt ?? last.startedAt) - last.startedAt)},{" "}
            <Moment at={last.finishedAt ?? last.startedAt} now={frame.now} />.{" "}
          </>
        )}
        Next: nightly <Moment at={nextRun} now={frame.now} />, at 03:00 UTC.
      </p>
    </section>
  );
}

function Counters({ all, now }: { all: readonly FleetRow[]; now: number }) {
  const of = (wanted: (row: FleetRow) => boolean) => count(all.filter(wanted).length);
  const paused = all.filter(({ standing }) => standing === "paused").length;
  const stored = all.reduce((sum, { entry }) => sum + (entry.good?.bytes ?? 0), 0);
  return (
    <dl class="counters">
      <div>
        <dd>
          {count(all.length)}
          {paused > 0 && <small> {count(paused)} paused</small>}
        </dd>
        <dt>databases</dt>
      </div>
      <div>
        <dd>{bytes(stored)}</dd>
        <dt>stored, newest backups</dt>
      </div>
      <div>
        <dd>{of(({ entry }) => entry.good !== null && now - entry.good.at <= DAY)}</dd>
        <dt>backed up in 24 h</dt>
      </div>
      <div>
        <dd>{of(({ standing }) => standing === "failing")}</dd>
        <dt>failing</dt>
      </div>
      <div>
        <dd>{of(({ standing }) => standing === "overdue")}</dd>
        <dt>overdue</dt>
      </div>
    </dl>
  );
}

/** At most this many are named in the box; the table has the rest. */
const NAMED = 8;

function Attention({ all, now }: { all: readonly FleetRow[]; now: number }) {
  const bad = all
    .filter(({ standing }) => needsAttention(standing))
    .sort(
      (a, b) =>
        STANDINGS.indexOf(a.standing) - STANDINGS.indexOf(b.standing) ||
        (a.entry.good?.at ?? -1) - (b.entry.good?.at ?? -1),
    );
  if (bad.length === 0) return null;
  return (
    <section class="panel attention" aria-label="Needs attention">
      <ul>
        {bad.slice(0, NAMED).map((row) => (
          <li>
            <span>
              <a class="mono" href={`/dashboard/databases/${row.entry.name}`}>
                <strong>{row.entry.name}</strong>
              </a>
            </span>
            <span>
              <Trouble {...row} />
            </span>
            <span class="soft">
              {row.entry.good === null ? (
                "never backed up"
              ) : (
                <>
                  last good <Moment at={row.entry.good.at} now={now} />
                </>
              )}
              {row.entry.failures > 0 &&
                `, ${count(row.entry.failures)} ${row.entry.failures === 1 ? "failure" : "failures"} since`}
            </span>
          </li>
        ))}
        {bad.length > NAMED && (
          <li>
            <a href="/dashboard?show=attention">and {count(bad.length - NAMED)} more</a>
          </li>
        )}
      </ul>
    </section>
  );
}

function Trouble({ entry }: FleetRow) {
  const { failure } = entry;
  if (failure === null)
    return (
      <>
        No run since its last good backup.{" "}
        <span class="soft">
          The tick opens a missed run within five minutes; if it does not, check the dispatcher's crons.
        </span>
      </>
    );
  const next = isErrorCode(failure.code) ? ERROR_CODES[failure.code].next : null;
  return (
    <>
      <span class="wrap">{failure.message}.</span> <span class="soft">{next}</span>
    </>
  );
}

const SORT_WORDS: Record<Sort, string> = {
  attention: "State",
  name: "Database",
  good: "Last good",
  size: "Stored size",
  duration: "Duration",
  drill: "Last drill",
};

function FleetTable(facts: FleetFacts) {
  const { part, query, days, frame, nextRun } = facts;
  return (
    <section class="panel" aria-label="Databases">
      <header>
        <h2>Databases</h2>
        <search>
          <form class="filter" method="get" action="/dashboard">
            <input
              type="search"
              name="q"
              value={query.q}
              placeholder="Name or description"
              aria-label="Name or description"
              data-filter="fleet"
            />
            <select name="show" aria-label="State">
              {["all", "attention", ...STANDINGS].map((show) => (
                <option value={show} selected={show === query.show}>
                  {show === "all" ? "every state" : show === "attention" ? "needs attention" : show}
                </option>
              ))}
            </select>
            <input type="hidden" name="sort" value={query.sort} />
            <button type="submit">Filter</button>
          </form>
        </search>
      </header>
      {part.rows.length === 0 ? (
        <p class="empty">
          No database matches. <a href="/dashboard">Show all</a>
        </p>
      ) : (
        <div class="scroll">
          <table class="cards" id="fleet">
            <thead>
              <tr>
                <Sortable by="name" query={query} />
                <Sortable by="attention" query={query} />
                <Sortable by="good" query={query} />
                <Sortable by="size" query={query} />
                <Sortable by="duration" query={query} />
                <Sortable by="drill" query={query} />
                <th scope="col">84 days</th>
                <th scope="col">Next run</th>
              </tr>
            </thead>
            <tbody>
              {part.rows.map((row) => (
                <DatabaseRow row={row} days={days.get(row.entry.name) ?? []} now={frame.now} nextRun={nextRun} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {part.pages > 1 && <Pages part={part} query={query} />}
      <DayKey />
    </section>
  );
}

function Sortable({ by, query }: { by: Sort; query: FleetQuery }) {
  const isSorted = query.sort === by;
  const direction = by === "size" || by === "duration" ? "descending" : "ascending";
  return (
    <th scope="col" aria-sort={isSorted ? direction : undefined}>
      <a href={hrefOf(query, { sort: by, page: 1 })}>
        {SORT_WORDS[by]}
        {isSorted && <span aria-hidden="true">{direction === "descending" ? " ↓" : " ↑"}</span>}
      </a>
    </th>
  );
}

/** Days whose sizes the small line shows. */
const SPARK_DAYS = 28;

interface RowFacts {
  readonly row: FleetRow;
  readonly days: readonly CalendarDay[];
  readonly now: number;
  readonly nextRun: number;
}

function DatabaseRow({ row: { entry, standing, drill }, days, now, nextRun }: RowFacts) {
  const { good } = entry;
  return (
    <tr>
      <td class="name">
        <a class="mono" href={`/dashboard/databases/${entry.name}`}>
          {entry.name}
        </a>
        <small>
          {[PRIORITIES[entry.priority] === "critical" ? "critical" : "", entry.description].filter(Boolean).join(" · ")}
        </small>
      </td>
      <td class="state">
        <StandingChip standing={standing} isActive={entry.active !== null} />
      </td>
      <td data-label="Last good">{good === null ? "never" : <Moment at={good.at} now={now} />}</td>
      <td data-label="Stored size" class="nowrap size">
        <span>{good === null ? "–" : bytes(good.bytes)}</span> <Spark days={days.slice(-SPARK_DAYS)} />
      </td>
      <td data-label="Duration">{good === null ? "–" : <span class="nowrap">{duration(good.ms)}</span>}</td>
      <td data-label="Last drill">
        <LastDrill drill={drill} now={now} />
      </td>
      <td class="wide">
        <Strip days={days} />
      </td>
      <td data-label="Next run">{entry.isEnabled ? <Moment at={nextRun} now={now} /> : "paused"}</td>
    </tr>
  );
}

function Pages({ part, query }: { part: FleetPart; query: FleetQuery }) {
  return (
    <nav class="pages" aria-label="Pages">
      <span>
        Page {part.page} of {part.pages}, {count(part.matching)} databases
      </span>
      {part.page > 1 && <a href={hrefOf(query, { page: part.page - 1 })}>Previous</a>}
      {part.page < part.pages && <a href={hrefOf(query, { page: part.page + 1 })}>Next</a>}
    </nav>
  );
}

/** The address of the fleet as it is shown, with a change. What is the default is left out. */
function hrefOf(query: FleetQuery, change: Partial<FleetQuery>): string {
  const wanted = { ...query, ...change };
  const params = new URLSearchParams();
  if (wanted.q !== "") params.set("q", wanted.q);
  if (wanted.show !== "all") params.set("show", wanted.show);
  if (wanted.sort !== SORTS[0]) params.set("sort", wanted.sort);
  if (wanted.page !== 1) params.set("page", String(wanted.page));
  return params.size === 0 ? "/dashboard" : `/dashboard?${params}`;
}

function NoDatabase() {
  return (
    <div class="panel empty">
      <p>Register a database to have it backed up every night.</p>
      <code>npm start -- --database shop=./shop.sqlite</code>
    </div>
  );
}
