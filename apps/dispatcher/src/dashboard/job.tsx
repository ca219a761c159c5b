import type { Job, JobTask } from "@patina/catalog/jobs";
import type { TaskEventRow } from "@patina/catalog/task-events";
import { isErrorCode, nextOf } from "@patina/core/error";
import { amount, bytes, count, duration } from "@patina/core/wording";
import { StateChip } from "./glyph.tsx";
import { isKnownInPart, stateOf } from "./jobs.tsx";
import { Moment, utc } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";
import { type Doing, type Stretch, stretches } from "./waterfall.ts";

export interface JobFacts {
  readonly frame: Frame;
  readonly job: Job;
  /** Tasks of the job that have ended. */
  readonly ended: number;
  /** The tasks of this page. */
  readonly tasks: readonly JobTask[];
  readonly events: ReadonlyMap<string, readonly TaskEventRow[]>;
  /** When the newest good backup of each of these databases was settled. */
  readonly goodAt: ReadonlyMap<string, number | null>;
  readonly page: number;
  readonly pages: number;
}

/** One job: its tasks over time, their attempts, and what went wrong in words. */
export function JobPage(facts: JobFacts) {
  const { frame, job, tasks, page, pages } = facts;
  return (
    <Page title={job.id} frame={frame} section="jobs">
      <p class="crumb">
        <a href="/dashboard/jobs">Jobs</a> / <span class="mono">{job.id}</span>
      </p>
      <Summary {...facts} />
      <section class="panel" aria-label="Tasks">
        <header>
          <h2>Tasks</h2>
          <small>
            from {utc(job.startedAt)}, over {duration((job.finishedAt ?? frame.now) - job.startedAt)}
          </small>
        </header>
        <div class="scroll">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">Database</th>
                <th scope="col">State</th>
                <th scope="col">Over time</th>
                <th scope="col" class="num">
                  Attempts
                </th>
                <th scope="col" class="num">
                  Duration
                </th>
                <th scope="col" class="num">
                  Rows
                </th>
                <th scope="col" class="num">
                  Stored
                </th>
              </tr>
            </thead>
            <tbody>
              {tasks.map((task) => (
                <TaskRow {...facts} task={task} />
              ))}
            </tbody>
          </table>
        </div>
        {pages > 1 && (
          <nav class="pages" aria-label="Pages">
            <span>
              Page {page} of {pages}, {count(job.databases)} tasks, those that failed first
            </span>
            {page > 1 && <a href={`/dashboard/jobs/${job.id}?page=${page - 1}`}>Previous</a>}
            {page < pages && <a href={`/dashboard/jobs/${job.id}?page=${page + 1}`}>Next</a>}
          </nav>
        )}
        <ul class="key" aria-label="Key to the bars">
          {(Object.keys(DOING) as Doing[]).map((doing) => (
            <li>
              <svg viewBox="0 0 16 16" aria-hidden="true">
                <Bar doing={doing} x={0} width={16} />
              </svg>
              {DOING[doing]}
            </li>
          ))}
        </ul>
      </section>
    </Page>
  );
}

function JobLink({ id }: { id: string }) {
  return (
    <a class="mono" href={`/dashboard/jobs/${id}`}>
      {id}
    </a>
  );
}

function Summary({ job, ended, frame }: JobFacts) {
  const isRunning = job.status === "running";
  return (
    <section class="hero" aria-label="State of the job">
      <StateChip state={stateOf(job)} />
      <h1>{isRunning ? `${count(ended)} of ${count(job.databases)} databases done` : outcomeOf(job)}</h1>
      <p>
        A {job.kind} job for {job.date}, started by {job.trigger} <Moment at={job.startedAt} now={frame.now} />
        {job.reason !== null && `: ${job.reason}`}.{" "}
        {!isRunning && `${amount(job.rows, "row")}, ${bytes(job.rawBytes)} of SQL as ${bytes(job.storedBytes)} stored.`}
        {isRunning && "This page asks again every 4 s; it may be closed, the job goes on."}
      </p>
      {job.replayOf !== null && (
        <p>
          Makes up for what failed in <JobLink id={job.replayOf} />.
        </p>
      )}
      {job.healedBy !== null && job.healedAt !== null && (
        <p>
          All that failed in it was made up for by <JobLink id={job.healedBy} />{" "}
          <Moment at={job.healedAt} now={frame.now} />.
        </p>
      )}
      {job.rebuiltAt !== null && (
        <p>
          Rebuilt from the bucket <Moment at={job.rebuiltAt} now={frame.now} />. {unknownOf(job)}
        </p>
      )}
    </section>
  );
}

function outcomeOf(job: Job): string {
  const time = duration((job.finishedAt ?? job.startedAt) - job.startedAt);
  if (isKnownInPart(job)) return `${count(job.succeeded)} backups of it are known, made in ${time}`;
  return `${count(job.succeeded)} of ${count(job.databases)} databases backed up in ${time}`;
}

/** What the bucket does not tell of a job. */
function unknownOf(job: Job): string {
  if (!isKnownInPart(job)) return "";
  const without = job.databases - job.succeeded;
  if (without === 0) return "Only backups leave something there: a database that failed would not show.";
  return `It was opened for ${count(job.databases)} databases: how those ended that left no backup there is not known.`;
}

function TaskRow({ task: { task, result }, job, events, goodAt, frame }: JobFacts & { task: JobTask }) {
  const timeline = events.get(task.database) ?? [];
  const isBackup = result?.status === "succeeded";
  return (
    <tr>
      <td class="name">
        <a class="mono" href={`/dashboard/databases/${task.database}`}>
          {task.database}
        </a>
      </td>
      <td class="state">
        <StateChip state={task.state} />
      </td>
      <td class="wide">
        <Waterfall found={stretches(timeline, frame.now)} start={job.startedAt} end={job.finishedAt ?? frame.now} />
        <Words task={{ task, result }} goodAt={goodAt.get(task.database) ?? null} timeline={timeline} now={frame.now} />
      </td>
      <td data-label="Attempts" class="num">
        {task.attempt}
        {task.generation > 1 && <small> in generation {task.generation}</small>}
      </td>
      <td data-label="Duration" class="num">
        {isBackup ? duration(result.durationMs ?? 0) : "–"}
      </td>
      <td data-label="Rows" class="num">
        {isBackup ? count(result.rows ?? 0) : "–"}
      </td>
      <td data-label="Stored" class="num">
        {isBackup ? bytes(result.storedBytes ?? 0) : "–"}
      </td>
    </tr>
  );
}

/** Why a task failed or is tried again, what is left, what to do; and everything that happened, folded away. */
function Words({
  task: { task, result },
  goodAt,
  timeline,
  now,
}: {
  task: JobTask;
  goodAt: number | null;
  timeline: readonly TaskEventRow[];
  now: number;
}) {
  const code = result?.status === "failed" ? result.errorCode : task.state === "queued" ? task.errorCode : null;
  const isTriedAgain = result?.status !== "failed";
  const next = code !== null && isErrorCode(code) ? nextOf(code, { isTriedAgain }) : null;
  return (
    <>
      {code !== null && (
        <p class="wrap">
          {result?.error ?? task.error}. {next}{" "}
          <span class="soft">
            {goodAt === null ? (
              "There is no backup of it."
            ) : (
              <>
                Its newest good backup is of <Moment at={goodAt} now={now} />.
              </>
            )}
          </span>
        </p>
      )}
      {(result?.warnings ?? []).map((warning) => (
        <p class="wrap soft">Note: {warning}.</p>
      ))}
      {timeline.length > 0 && (
        <details>
          <summary>
            <small>Timeline</small>
          </summary>
          <ol class="timeline">
            {timeline.map(({ event, at, attempt, errorCode, error }) => (
              <li>
                <small>
                  {utc(at)} <strong>{event}</strong>
                  {attempt > 0 && `, attempt ${attempt}`}
                  {errorCode !== null && `: ${error ?? errorCode}`}
                </small>
              </li>
            ))}
          </ol>
        </details>
      )}
    </>
  );
}

const DOING: Record<Doing, string> = {
  waiting: "waiting in the queue",
  exporting: "exporting",
  failed: "an attempt that failed",
  reporting: "being settled",
};

const WIDTH = 1_000;

function Waterfall({ found, start, end }: { found: readonly Stretch[]; start: number; end: number }) {
  const scale = WIDTH / Math.max(1, end - start);
  const words = found.map(({ doing, from, to }) => `${DOING[doing]} ${duration(to - from)}`).join(", ");
  return (
    <svg class="fall" viewBox={`0 0 ${WIDTH} 16`} preserveAspectRatio="none" role="img" aria-label={words}>
      <title>{words}</title>
      {found.map(({ doing, from, to }) => (
        <Bar
          doing={doing}
          x={Math.round((from - start) * scale)}
          width={Math.max(3, Math.round((to - from) * scale))}
        />
      ))}
    </svg>
  );
}

/** Bars differ in height as well as in colour. */
const HEIGHTS: Record<Doing, number> = { waiting: 2, exporting: 12, failed: 16, reporting: 6 };

function Bar({ doing, x, width }: { doing: Doing; x: number; width: number }) {
  const height = HEIGHTS[doing];
  return <rect class={`b-${doing}`} x={x} y={(16 - height) / 2} width={width} height={height} />;
}
