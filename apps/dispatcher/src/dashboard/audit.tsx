import type { AuditRow } from "@patina/catalog/audit";
import { Moment } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";

interface AuditFacts {
  readonly frame: Frame;
  readonly rows: readonly AuditRow[];
  /** Address of the next, older page; null on the last. */
  readonly older: string | null;
}

/** Who changed or downloaded what. */
export function AuditPage({ frame, rows, older }: AuditFacts) {
  return (
    <Page title="Audit" frame={frame} section="audit">
      <h1>Who changed or downloaded what</h1>
      <section class="panel" aria-label="Audit log">
        {rows.length === 0 ? (
          <div class="empty">
            <p>Nobody has changed or downloaded anything yet. A download is written here too:</p>
            <code>{'curl -OJ -H "Authorization: Bearer $TOKEN" $PATINA_URL/download/<date>/<database>'}</code>
          </div>
        ) : (
          <div class="scroll">
            <table class="cards">
              <thead>
                <tr>
                  <th scope="col">What</th>
                  <th scope="col">When</th>
                  <th scope="col">Who</th>
                  <th scope="col">To what</th>
                  <th scope="col">Details</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr>
                    <td class="name mono">{row.action}</td>
                    <td class="state">
                      <Moment at={row.at} now={frame.now} />
                    </td>
                    <td data-label="Who">{row.actor}</td>
                    <td data-label="To what" class="wrap mono">
                      {row.subject}
                    </td>
                    <td data-label="Details" class="wrap">
                      <small>{detailOf(row.detail)}</small>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {older !== null && (
          <nav class="pages" aria-label="Pages">
            <a href={older}>Older</a>
          </nav>
        )}
      </section>
    </Page>
  );
}

/** `reason: noise, format: sql` */
function detailOf(detail: AuditRow["detail"]): string {
  return Object.entries(detail ?? {})
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}
