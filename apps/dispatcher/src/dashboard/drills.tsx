import type { DatabaseDrill } from "@patina/catalog/drill-list";
import type { DrillBudget } from "@patina/catalog/drill-schedule";
import type { DrillRow } from "@patina/catalog/drills";
import type { VerifyRun } from "@patina/catalog/verify-runs";
import { VERDICTS } from "@patina/core/drill";
import { amount, bytes, count, duration } from "@patina/core/wording";
import type { DrillQuery } from "./drill-routes.tsx";
import { Glyph, type Sign, StateChip, type Tone } from "./glyph.tsx";
import { Moment } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";
import { VerificationsPanel } from "./verification.tsx";

export interface DrillsFacts {
  readonly frame: Frame;
  readonly drills: readonly DrillRow[];
  readonly query: DrillQuery;
  /** Address of the next, older page; null on the last. */
  readonly older: string | null;
  /** The last drill of every database that has had one. */
  readonly lasts: ReadonlyMap<string, DatabaseDrill>;
  /** With the databases whose drill is due, and those of them that the budget is too small for. */
  readonly budget: DrillBudget & { readonly due: number; readonly held: number };
  readonly runs: readonly VerifyRun[];
}

/** Which backups were really restored and what came of it, and which were read. */
export function DrillsPage(facts: DrillsFacts) {
  return (
    <Page title="Drills" frame={facts.frame} section="drills">
      <Hero {...facts} />
      <DrillsPanel {...facts} />
      <VerificationsPanel runs={facts.runs} frame={facts.frame} />
    </Page>
  );
}

function Hero({ frame, lasts, budget }: DrillsFacts) {
  const { sign, tone, words } = truthOf(lasts);
  return (
    <section class="hero" aria-label="State of the drills">
      <Glyph sign={sign} tone={tone} />
      <h1>{words}</h1>
      {frame.principal.role === "admin" && (
        <form method="post" action="/dashboard/drills">
          <button type="submit">Drill all now</button>
        </form>
      )}
      <p>
        A drill restores a stored backup into an empty database and compares every row; it is made of a database's first
        backup, when its tables change, and every month.
      </p>
      <p>{budgetOf(budget)}</p>
    </section>
  );
}

function truthOf(lasts: DrillsFacts["lasts"]): { sign: Sign; tone: Tone; words: string } {
  const names = (verdict: string) => [...lasts].filter(([, drill]) => drill.verdict === verdict).map(([name]) => name);
  const failed = names("failed");
  if (failed.length > 0) {
    const named = failed.slice(0, 3).join(", ");
    const more = failed.length > 3 ? ` and ${count(failed.length - 3)} more` : "";
    return { sign: "cross", tone: "bad", words: `The last drill failed of ${named}${more}` };
  }
  if (lasts.size === 0) return { sign: "ring", tone: "none", words: "No backup has been drilled yet" };
  const open = names("unprovable").length;
  const proven = `${amount(lasts.size - open, "database")} ${lasts.size - open === 1 ? "is" : "are"} proven restorable`;
  if (open === 0) return { sign: "check", tone: "good", words: proven };
  return { sign: "gap", tone: "warn", words: `${proven}, ${count(open)} could not be proven` };
}

/** What drills may still write, in one sentence. */
function budgetOf({ month, rows, used, due, held }: DrillsFacts["budget"]): string {
  const name = new Date(month).toISOString().slice(0, 7);
  const left = Math.max(0, rows - used);
  const spent = `Of the ${amount(rows, "row")} that drills may write in ${name}, ${count(used)} are written or spoken for and ${count(left)} are left`;
  if (held > 0) return `${spent}; ${amount(held, "database")} of ${count(due)} due must wait for the next month.`;
  return due === 0 ? `${spent}.` : `${spent}; ${amount(due, "database")} ${due === 1 ? "is" : "are"} due.`;
}

function DrillsPanel({ frame, drills, query, older }: DrillsFacts) {
  const isFiltered = query.database !== "" || query.verdict !== "all";
  return (
    <section class="panel" aria-label="Drills">
      <header>
        <h2>Drills</h2>
        <search>
          <form class="filter" method="get" action="/dashboard/drills">
            <input
              type="search"
              name="database"
              value={query.database}
              placeholder="One database"
              aria-label="One database"
            />
            <select name="verdict" aria-label="Verdict">
              {["all", ...VERDICTS].map((verdict) => (
                <option value={verdict} selected={verdict === query.verdict}>
                  {verdict === "all" ? "every verdict" : verdict}
                </option>
              ))}
            </select>
            <button type="submit">Filter</button>
          </form>
        </search>
      </header>
      {drills.length > 0 ? (
        <DrillsTable drills={drills} now={frame.now} />
      ) : isFiltered ? (
        <p class="empty">
          No drill matches. <a href="/dashboard/drills">Show all</a>
        </p>
      ) : (
        <div class="empty">
          <p>No backup has been drilled yet. The first drill follows a database's first backup, or ask for one now:</p>
          <code>{'curl -X POST -H "Authorization: Bearer $TOKEN" $PATINA_URL/drills'}</code>
        </div>
      )}
      {older !== null && (
        <nav class="pages" aria-label="Pages">
          <a href={older}>Older drills</a>
        </nav>
      )}
    </section>
  );
}

function DrillsTable({ drills, now }: { drills: readonly DrillRow[]; now: number }) {
  return (
    <div class="scroll">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Database</th>
            <th scope="col">Verdict</th>
            <th scope="col">Backup</th>
            <th scope="col">When</th>
            <th scope="col" class="num">
              Restored in
            </th>
            <th scope="col" class="num">
              Rows
            </th>
            <th scope="col" class="num">
              SQL
            </th>
            <th scope="col">Found</th>
          </tr>
        </thead>
        <tbody>
          {drills.map((drill) => (
            <tr>
              <td class="name">
                <a class="mono" href={`/dashboard/drills/${drill.id}`} aria-label={`Drill of ${drill.database}`}>
                  {drill.database}
                </a>
                <small>{CAUSE_WORDS[drill.cause]}</small>
              </td>
              <td class="state">
                <StateChip state={drill.verdict ?? drill.state} />
              </td>
              <td data-label="Backup" class="nowrap">
                {drill.date ?? "the newest"}
              </td>
              <td data-label="When">
                <Moment at={drill.finishedAt ?? drill.createdAt} now={now} />
              </td>
              <td data-label="Restored in" class="num">
                {drill.restoreMs === null ? "–" : duration(drill.restoreMs)}
              </td>
              <td data-label="Rows" class="num">
                {drill.rows === null ? "–" : count(drill.rows)}
              </td>
              <td data-label="SQL" class="num">
                {drill.bytes === null ? "–" : bytes(drill.bytes)}
              </td>
              <td data-label="Found" class="wrap">
                {drill.reason ?? <span class="soft">{drill.state === "done" ? "nothing" : "–"}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export const CAUSE_WORDS: Record<DrillRow["cause"], string> = {
  first: "its first backup",
  schema: "its tables changed",
  monthly: "its month",
  asked: "asked for",
};
