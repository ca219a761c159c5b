import type { VerifyRun } from "@patina/catalog/verify-runs";
import { amount, bytes, count, duration } from "@patina/core/wording";
import { StateChip } from "./glyph.tsx";
import { Moment } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";

/** The last verifications, beside the drills. */
export function VerificationsPanel({ runs, frame }: { runs: readonly VerifyRun[]; frame: Frame }) {
  return (
    <section class="panel" aria-label="Verifications">
      <header>
        <h2>Verifications</h2>
        {frame.principal.role === "admin" && (
          <form method="post" action="/dashboard/verify">
            <button type="submit">Verify all now</button>
          </form>
        )}
      </header>
      {runs.length === 0 ? (
        <div class="empty">
          <p>Nothing has been verified since it was read back. The first run is after 04:30 UTC, or start one now:</p>
          <code>{'curl -X POST -H "Authorization: Bearer $TOKEN" $PATINA_URL/verify'}</code>
        </div>
      ) : (
        <div class="scroll">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">Verification</th>
                <th scope="col">State</th>
                <th scope="col">Of what</th>
                <th scope="col">When</th>
                <th scope="col" class="num">
                  Looked at
                </th>
                <th scope="col" class="num">
                  Read
                </th>
                <th scope="col" class="num">
                  Damaged
                </th>
                <th scope="col" class="num">
                  Had to wait
                </th>
              </tr>
            </thead>
            <tbody>
              {runs.map((run) => (
                <tr>
                  <td class="name">
                    <a class="mono" href={`/dashboard/verify/${run.id}`}>
                      {run.id}
                    </a>
                  </td>
                  <td class="state">
                    <StateChip state={wordOf(run)} />
                  </td>
                  <td data-label="Of what">{subjectOf(run)}</td>
                  <td data-label="When">
                    <Moment at={run.finishedAt ?? run.startedAt} now={frame.now} />
                  </td>
                  <td data-label="Looked at" class="num">
                    {progressOf(run)}
                  </td>
                  <td data-label="Read" class="num">
                    {bytes(run.bytes)}
                  </td>
                  <td data-label="Damaged" class="num">
                    {count(run.damaged)}
                  </td>
                  <td data-label="Had to wait" class="num">
                    {count(run.postponed)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** One verification: how far it came, and what it found. */
export function VerificationPage({ run, frame }: { run: VerifyRun; frame: Frame }) {
  const { id, state, total, checked, damaged, unread, findings, waiting, postponed } = run;
  const looked = checked + unread;
  return (
    <Page title={id} frame={frame} section="drills">
      <p class="crumb">
        <a href="/dashboard/drills">Drills</a> / <span class="mono">{id}</span>
      </p>
      <section class="hero" aria-label="State of the verification">
        <StateChip state={wordOf(run)} />
        <h1>{state === "running" ? `${progressOf(run)} looked at` : outcomeOf(run)}</h1>
        <p>
          Verifies {subjectOf(run)}: reads it from end to end and compares it with its manifest. Begun{" "}
          <Moment at={run.startedAt} now={frame.now} />, {bytes(run.bytes)} read
          {run.finishedAt !== null && ` in ${duration(run.finishedAt - run.startedAt)}`}.
          {state === "running" && " This page asks again every 4 s; it may be closed, the verification goes on."}
        </p>
        {state === "running" && total !== null && (
          <p>
            <progress value={looked} max={Math.max(1, total)} aria-label="Backups looked at" />
          </p>
        )}
        {unread > 0 && (
          <p>{amount(unread, "backup")} the bucket did not give: nothing is known of them, they stay due.</p>
        )}
      </section>
      <section class="panel" aria-label="Findings">
        <header>
          <h2>What it found</h2>
          {damaged > 0 && <small>{count(damaged)} damaged</small>}
        </header>
        {findings.length === 0 ? (
          <p class="empty">Nothing that is not as it was written{state === "running" && " so far"}.</p>
        ) : (
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">Object</th>
                <th scope="col">Damage</th>
              </tr>
            </thead>
            <tbody>
              {findings.map(({ key, damage }) => (
                <tr>
                  <td class="name wrap mono">{key}</td>
                  <td class="wide wrap">{damage}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {damaged > findings.length && <p class="empty">The first {count(findings.length)} are named.</p>}
      </section>
      {postponed > 0 && (
        <section class="panel" aria-label="What had to wait">
          <header>
            <h2>What had to wait</h2>
            <small>{amount(postponed, "backup")}; the run's bytes were used up</small>
          </header>
          <div class="body">
            <ul class="plain wrap">
              {waiting.map((key) => (
                <li class="mono">{key}</li>
              ))}
              {postponed > waiting.length && <li>and {count(postponed - waiting.length)} more</li>}
            </ul>
          </div>
        </section>
      )}
    </Page>
  );
}

function wordOf({ state, damaged, unread }: VerifyRun): string {
  if (state === "running") return "running";
  return damaged > 0 ? "damaged" : unread > 0 ? "unread" : "verified";
}

function outcomeOf({ checked, damaged, unread }: VerifyRun): string {
  if (damaged > 0) return `${count(damaged)} of ${amount(checked, "backup")} ${damaged === 1 ? "is" : "are"} damaged`;
  if (checked === 0) return unread > 0 ? "No backup could be read" : "There was nothing to verify";
  return `${amount(checked, "backup")} ${checked === 1 ? "is" : "are"} what ${checked === 1 ? "it was" : "they were"} written to be`;
}

/** `12 of 40 backups` */
function progressOf({ checked, unread, total }: VerifyRun): string {
  if (total === 0) return "nothing";
  return total === null ? "0 backups" : `${count(checked + unread)} of ${amount(total, "backup")}`;
}

/** `what was due`, `shop of 2026-11-20`, `all that is stored` */
function subjectOf({ scope, database, date }: VerifyRun): string {
  if (scope === "due") return "what was due";
  if (database === null) return date === null ? "all that is stored" : `every database of ${date}`;
  return date === null ? `every backup of ${database}` : `${database} of ${date}`;
}
