import type { DeadLetter } from "@patina/catalog/dead-letters";
import { ERROR_CODES, isErrorCode } from "@patina/core/error";
import { StateChip } from "./glyph.tsx";
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
        <h1>
          {frame.letters === 0
            ? "No dead letter waits for anybody"
            : `${frame.letters} ${frame.letters === 1 ? "dead letter waits" : "dead letters wait"} for somebody`}
        </h1>
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
                </tr>
              </thead>
              <tbody>
                {letters.map((letter) => (
                  <LetterRow letter={letter} now={frame.now} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
    </Page>
  );
}

function LetterRow({ letter, now }: { letter: DeadLetter; now: number }) {
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
        <Moment at={letter.arrivedAt} now={now} />
      </td>
    </tr>
  );
}
