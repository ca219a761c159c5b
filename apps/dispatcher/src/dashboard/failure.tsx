import { ERROR_CODES, type PatinaError } from "@patina/core/error";
import { Brand, Document, type Frame, Page } from "./page.tsx";

interface FailureFacts {
  readonly error: PatinaError;
  /** The request's id, which is also in the logs. */
  readonly request: string;
  /** Null when it failed before it was known who asks. */
  readonly frame: Frame | null;
}

/** What could not be done, and what to do next. */
export function FailurePage({ error, request, frame }: FailureFacts) {
  const words = (
    <>
      <h1>{error.message}</h1>
      <p>{ERROR_CODES[error.code].next}</p>
      <p>
        <small>
          Code <code>{error.code}</code>, request <code>{request}</code>
        </small>
      </p>
    </>
  );
  if (frame === null) {
    return (
      <Document title="Cannot do this">
        <main class="login">
          <Brand />
          {words}
        </main>
      </Document>
    );
  }
  return (
    <Page title="Cannot do this" frame={frame} section={null}>
      {words}
      <p>
        <a href="/dashboard">Back to the fleet</a>
      </p>
    </Page>
  );
}
