import { count } from "@patina/core/wording";
import type { TableRows } from "./table-rows.ts";

/** Rows of every table of the newest backup, or why they cannot be told. */
export type Content =
  | {
      readonly is: "tables";
      readonly date: string;
      readonly before: string | null;
      readonly tables: readonly TableRows[];
    }
  | { readonly is: "unknown"; readonly reason: string }
  | { readonly is: "nothing" };

export function TableRowsPanel({ content }: { content: Content }) {
  if (content.is === "nothing") return null;
  return (
    <section class="panel" aria-label="Tables of the newest backup">
      <header>
        <h2>Rows per table</h2>
        {content.is === "tables" && (
          <small>
            {content.date}
            {content.before !== null && `, against ${content.before}`}
          </small>
        )}
      </header>
      {content.is === "unknown" ? (
        <p class="empty">{content.reason}.</p>
      ) : (
        <section class="scroll tall" aria-label="Rows per table" tabindex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Table</th>
                <th scope="col" class="num">
                  Rows
                </th>
                <th scope="col" class="num">
                  Before
                </th>
                <th scope="col" class="num">
                  Change
                </th>
              </tr>
            </thead>
            <tbody>
              {content.tables.map(({ name, rows, before }) => (
                <tr>
                  <td class="mono wrap">{name}</td>
                  <td class="num">{rows === null ? "gone" : count(rows)}</td>
                  <td class="num">{before === null ? "–" : count(before)}</td>
                  <td class="num">{changeOf(rows, before)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

function changeOf(rows: number | null, before: number | null): string {
  if (rows === null) return "table gone";
  if (before === null) return "new";
  const change = rows - before;
  if (change === 0) return "same";
  return change > 0 ? `+${count(change)}` : `−${count(-change)}`;
}
