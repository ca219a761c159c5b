import type { DrillRow } from "@patina/catalog/drills";
import type { Check } from "@patina/core/drill";
import { amount, bytes, count, duration } from "@patina/core/wording";
import { CAUSE_WORDS } from "./drills.tsx";
import { StateChip } from "./glyph.tsx";
import { Moment, utc } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";
import { CHECK_WORDS, VERDICT_WORDS } from "./verdict.tsx";

interface DrillFacts {
  readonly frame: Frame;
  readonly drill: DrillRow;
}

/** One drill: which backup was restored, what was looked at, and what was found. */
export function DrillPage({ frame, drill }: DrillFacts) {
  return (
    <Page title={`Drill of ${drill.database}`} frame={frame} section="drills">
      <p class="crumb">
        <a href="/dashboard/drills">Drills</a> / <span class="mono">{drill.id}</span>
      </p>
      <Summary drill={drill} frame={frame} />
      {drill.state === "done" && <Checks checks={drill.checks ?? []} />}
      <About drill={drill} />
    </Page>
  );
}

function Summary({ drill, frame }: DrillFacts) {
  const { database, date, verdict, reason, state, createdAt, finishedAt } = drill;
  const what = date === null ? "Its newest backup" : `Its backup of ${date}`;
  return (
    <section class="hero" aria-label="State of the drill">
      <StateChip state={verdict ?? state} />
      <h1>
        {verdict === null
          ? `${database} is being drilled`
          : `${database}: ${verdict === "passed" || verdict === "flawed" ? "restorable" : verdict === "failed" ? "not restorable as it was" : "could not be proven"}`}
      </h1>
      <p>
        {verdict === null ? (
          <>
            {what} is to be restored into an empty database. Asked for <Moment at={createdAt} now={frame.now} />. This
            page asks again every 4 s; it may be closed, the drill goes on.
          </>
        ) : (
          <>
            {what}: {VERDICT_WORDS[verdict]}. Ended <Moment at={finishedAt ?? createdAt} now={frame.now} />.{" "}
            <a href={`/dashboard/databases/${database}`}>Its backups</a>
          </>
        )}
      </p>
      {reason !== null && <p class="wrap">{reason}.</p>}
      {verdict === "failed" && (
        <p>
          The backup counts as damaged, and a fresh one is asked for. What to do next:{" "}
          <code>docs/runbooks/failed-drill.md</code>.
        </p>
      )}
    </section>
  );
}

function Checks({ checks }: { checks: readonly Check[] }) {
  return (
    <section class="panel" aria-label="Checks">
      <header>
        <h2>What was looked at</h2>
        <small>{amount(checks.length, "check")}</small>
      </header>
      {checks.length === 0 ? (
        <p class="empty">Nothing could be looked at, so nothing is proven.</p>
      ) : (
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">Check</th>
              <th scope="col">Verdict</th>
              <th scope="col">Found</th>
            </tr>
          </thead>
          <tbody>
            {checks.map(({ name, end, findings }) => (
              <tr>
                <td class="check">
                  {CHECK_WORDS[name]} <small class="mono">{name}</small>
                </td>
                <td class="state">
                  <StateChip state={end} />
                </td>
                <td class="wide wrap">
                  {findings.length === 0 ? <span class="soft">nothing</span> : <Findings findings={findings} />}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Findings({ findings }: { findings: readonly string[] }) {
  return (
    <ul class="plain">
      {findings.map((finding) => (
        <li>{finding}</li>
      ))}
    </ul>
  );
}

function About({ drill }: { drill: DrillRow }) {
  const { jobId, key, cause, rows, bytes: size, rowsWritten, restoreMs, startedAt, finishedAt, schemaDigest } = drill;
  return (
    <section class="panel" aria-label="About this drill">
      <header>
        <h2>About it</h2>
      </header>
      <div class="body">
        <dl class="facts">
          <dt>Made because of</dt>
          <dd>{CAUSE_WORDS[cause]}</dd>
          <dt>Backed up by</dt>
          <dd>{jobId === null ? "not known yet" : <a href={`/dashboard/jobs/${jobId}`}>{jobId}</a>}</dd>
          <dt>Object</dt>
          <dd class="wrap">{key === null ? "not known yet" : <code>{key}</code>}</dd>
          <dt>Restored</dt>
          <dd>{rows === null ? "–" : `${amount(rows, "row")}${size === null ? "" : `, ${bytes(size)} of SQL`}`}</dd>
          <dt>Restored in</dt>
          <dd>{restoreMs === null ? "–" : duration(restoreMs)}</dd>
          <dt>Rows written, as billed</dt>
          <dd>{count(rowsWritten)}</dd>
          <dt>Began</dt>
          <dd>{startedAt === null ? "not yet" : utc(startedAt)}</dd>
          <dt>Ended</dt>
          <dd>{finishedAt === null ? "not yet" : utc(finishedAt)}</dd>
          <dt>Schema digest</dt>
          <dd class="wrap">{schemaDigest === null ? "–" : <code>{schemaDigest}</code>}</dd>
        </dl>
      </div>
    </section>
  );
}
