import type { Job } from "@patina/catalog/jobs";
import { bytes, count, duration } from "@patina/core/wording";
import { StateChip } from "./glyph.tsx";
import { Moment } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";

interface JobsFacts {
  readonly frame: Frame;
  readonly jobs: readonly Job[];
  /** Address of the next, older page; null on the last. */
  readonly older: string | null;
}

/** All jobs, newest first. */
export function JobsPage({ frame, jobs, older }: JobsFacts) {
  return (
    <Page title="Jobs" frame={frame} section="jobs">
      <h1>Jobs</h1>
      <section class="panel" aria-label="Jobs">
        {jobs.length === 0 ? (
          <div class="empty">
            <p>No job has run yet. The nightly one starts at 03:00 UTC, or start one now:</p>
            <code>{'curl -X POST -H "Authorization: Bearer $TOKEN" $PATINA_URL/trigger'}</code>
          </div>
        ) : (
          <div class="scroll">
            <table class="cards">
              <thead>
                <tr>
                  <th scope="col">Job</th>
                  <th scope="col">State</th>
                  <th scope="col">Started</th>
                  <th scope="col">Duration</th>
                  <th scope="col" class="num">
                    Databases
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
                {jobs.map((job) => (
                  <JobRow job={job} now={frame.now} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        {older !== null && (
          <nav class="pages" aria-label="Pages">
            <a href={older}>Older jobs</a>
          </nav>
        )}
      </section>
    </Page>
  );
}

function JobRow({ job, now }: { job: Job; now: number }) {
  const isRunning = job.status === "running";
  return (
    <tr>
      <td class="name">
        <a class="mono" href={`/dashboard/jobs/${job.id}`}>
          {job.id}
        </a>
        <small>
          by {job.trigger}
          {job.rebuiltAt !== null && " · rebuilt from the bucket"}
          {job.reason !== null && ` · ${job.reason}`}
        </small>
      </td>
      <td class="state">
        <StateChip state={stateOf(job)} />
      </td>
      <td data-label="Started">
        <Moment at={job.startedAt} now={now} />
      </td>
      <td data-label="Duration" class="nowrap">
        {duration((job.finishedAt ?? now) - job.startedAt)}
      </td>
      <td data-label="Databases" class="num">
        {databasesOf(job)}
      </td>
      <td data-label="Rows" class="num">
        {isRunning ? "–" : count(job.rows)}
      </td>
      <td data-label="Stored" class="num">
        {isRunning ? "–" : bytes(job.storedBytes)}
      </td>
    </tr>
  );
}

function databasesOf(job: Job): string {
  if (job.status === "running") return count(job.databases);
  return isKnownInPart(job) ? `${count(job.succeeded)} known` : `${count(job.succeeded)} of ${count(job.databases)}`;
}

/** Of a job that was rebuilt from the bucket only its backups are known; a weekly one's manifest says what it lacks. */
export function isKnownInPart({ rebuiltAt, kind }: Job): boolean {
  return rebuiltAt !== null && kind !== "weekly";
}

/** How a job is, by its word. */
export function stateOf(job: Job): string {
  return isKnownInPart(job) ? "rebuilt" : job.status;
}
