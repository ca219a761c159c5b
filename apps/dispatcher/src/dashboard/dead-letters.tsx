import type { DeadLetter } from "@patina/catalog/dead-letters";
import { ERROR_CODES, isErrorCode } from "@patina/core/error";
import { Glyph, StateChip } from "./glyph.tsx";
import { Moment } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";

interface DeadLettersFacts {
  readonly frame: Frame;
  readonly letters: readonly DeadLetter[];
}

/** The inbox of messages that could not be handled. */
export function DeadLettersPage({ frame, letters }: DeadLettersFacts) {
  return (
    <Page title="Dead letters" frame={frame} section="dead-letters">
      <section class="hero" aria-label="State of the inbox">
        <Glyph {...(frame.letters === 0 ? { sign: "check", tone: "good" } : { sign: "cross", tone: "bad" })} />
        <h1>
          {frame.letters === 0
            ? "No dead letter waits for anybody"
            : `${frame.letters} ${frame.letters === 1 ? "dead letter waits" : "dead letters wait"} for somebody`}
        </h1>
        {frame.letters > 1 && isAdmin(frame) && (
          <form method="post" action="/dashboard/dead-letters/replay">
            <button type="submit">Replay all</button>
          </form>
        )}
        <p>
          A message that used up its attempts, or can never succeed, ends here; its task has failed, its job is closed.
        </p>
      </section>
      <section class="panel" aria-label="Dead letters">
        {letters.length === 0 ? (
          <div class="empty">
            <p>Nothing has ever ended here. To see what has failed otherwise:</p>
            <code>{'curl -H "Authorization: Bearer $TOKEN" $PATINA_URL/status'}</code>
          </div>
        ) : (
          <div class="scroll">
            <table class="cards">
              <thead>
                <tr>
                  <th scope="col">Letter</th>
                  <th scope="col">State</th>
                  <th scope="col">What happened</th>
                  <th scope="col" class="num">
                    Attempts
                  </th>
                  <th scope="col">Arrived</th>
                  <th scope="col">Do</th>
                </tr>
              </thead>
              <tbody>
                {letters.map((letter) => (
                  <LetterRow letter={letter} frame={frame} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
    </Page>
  );
}

function isAdmin({ principal }: Frame): boolean {
  return principal.role === "admin";
}

function LetterRow({ letter, frame }: { letter: DeadLetter; frame: Frame }) {
  const { database, jobId, errorCode } = letter;
  return (
    <tr>
      <td class="name">
        {database === null ? (
          <span class="mono">{letter.queue}</span>
        ) : (
          <a class="mono" href={`/dashboard/databases/${database}`}>
            {database}
          </a>
        )}
        <small>{jobId === null ? letter.queue : <a href={`/dashboard/jobs/${jobId}`}>{jobId}</a>}</small>
      </td>
      <td class="state">
        <StateChip state={letter.state} />
      </td>
      <td class="wide wrap">
        {letter.error ?? "Its attempts were used up"}.{" "}
        <span class="soft">{errorCode !== null && isErrorCode(errorCode) && ERROR_CODES[errorCode].next}</span>
        {letter.firstError !== null && letter.firstError !== letter.error && (
          <p class="soft">The first attempt: {letter.firstError}.</p>
        )}
        <details>
          <summary>
            <small>Message on {letter.queue}</small>
          </summary>
          <pre>{letter.body}</pre>
        </details>
      </td>
      <td data-label="Attempts" class="num">
        {letter.attempts}
      </td>
      <td data-label="Arrived">
        <Moment at={letter.arrivedAt} now={frame.now} />
      </td>
      <td class="wide">
        {letter.state === "open" ? isAdmin(frame) && <Actions letter={letter} /> : <Ended letter={letter} />}
      </td>
    </tr>
  );
}

/** Two forms: what is replayed runs again, what is discarded needs a reason. */
function Actions({ letter: { id, database } }: { letter: DeadLetter }) {
  const path = `/dashboard/dead-letters/${encodeURIComponent(id)}`;
  const what = database ?? "this letter";
  return (
    <div class="letter">
      <form method="post" action={`${path}/replay`}>
        <button type="submit" aria-label={`Replay ${what}`}>
          Replay
        </button>
      </form>
      <form class="actions" method="post" action={`${path}/discard`}>
        <input name="reason" required maxlength={500} placeholder="Reason" aria-label={`Reason to discard ${what}`} />
        <button class="danger" type="submit" aria-label={`Discard ${what}`}>
          Discard
        </button>
      </form>
    </div>
  );
}

/** What somebody did about it. */
function Ended({ letter: { closedBy, reason, replayJob } }: { letter: DeadLetter }) {
  return (
    <small class="wrap">
      by {closedBy}
      {reason !== null && `: ${reason}`}
      {replayJob !== null && (
        <>
          {" "}
          in <a href={`/dashboard/jobs/${replayJob}`}>{replayJob}</a>
        </>
      )}
    </small>
  );
}
