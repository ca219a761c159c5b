import type { PastRun } from "@patina/catalog/backup-history";
import { ERROR_CODES, isErrorCode } from "@patina/core/error";
import { bytes, count, duration } from "@patina/core/wording";
import { firstOfDates, isHeld } from "./first-of-dates.ts";
import { StateChip } from "./glyph.tsx";
import { Moment } from "./moment.tsx";
import type { Frame } from "./page.tsx";

interface RunsFacts {
  readonly runs: readonly PastRun[];
  readonly frame: Frame;
  readonly name: string;
  readonly page: number;
}

/** Runs that are listed at once. */
const LISTED = 20;

/** Every run of a database: its backups with what was shown of them since and what may be done, and its failures. */
export function BackupsPanel({ runs, frame, name, page }: RunsFacts) {
  const pages = Math.max(1, Math.ceil(runs.length / LISTED));
  const shown = Math.min(page, pages);
  const first = firstOfDates(runs);
  return (
    <section class="panel" aria-label="Backups">
      <header>
        <h2>Backups</h2>
        <small>{count(runs.length)} runs in 12 weeks</small>
      </header>
      {runs.length === 0 ? (
        <div class="empty">
          <p>No run of it has ended yet. It is part of the next nightly, or start one now:</p>
          <code>{`curl -X POST -H "Authorization: Bearer $TOKEN" -d '{"database":"${name}"}' $PATINA_URL/trigger`}</code>
        </div>
      ) : (
        <div class="scroll">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">Date</th>
                <th scope="col">State</th>
                <th scope="col">Ended</th>
                <th scope="col" class="num">
                  Rows
                </th>
                <th scope="col" class="num">
                  Stored
                </th>
                <th scope="col" class="num">
                  Duration
                </th>
                <th scope="col">SHA-256</th>
                <th scope="col">Shown to be</th>
                <th scope="col">Get</th>
                {frame.principal.role === "admin" && <th scope="col">Prove</th>}
              </tr>
            </thead>
            <tbody>
              {runs.slice((shown - 1) * LISTED, shown * LISTED).map((run) => (
                <RunRow run={run} name={name} frame={frame} isFirst={first.get(run.date) === run} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pages > 1 && (
        <nav class="pages" aria-label="Pages">
          <span>
            Page {shown} of {pages}
          </span>
          {shown > 1 && <a href={`?page=${shown - 1}`}>Newer</a>}
          {shown < pages && <a href={`?page=${shown + 1}`}>Older</a>}
        </nav>
      )}
    </section>
  );
}

interface RunFacts {
  readonly run: PastRun;
  readonly name: string;
  readonly frame: Frame;
  /** Whether it is the one that its date stands for. */
  readonly isFirst: boolean;
}

function RunRow({ run, name, frame: { now, principal }, isFirst }: RunFacts) {
  const isGood = run.status === "succeeded";
  const isAdmin = principal.role === "admin";
  return (
    <tr>
      <td class="name">
        <a href={`/dashboard/jobs/${run.job}`}>{run.date}</a>
        <small>{run.kind}</small>
      </td>
      <td class="state">
        <StateChip state={isGood ? (run.consistency ?? "done") : "failed"} />
      </td>
      <td data-label="Ended">
        <Moment at={run.at} now={now} />
      </td>
      {isGood ? (
        <>
          <td data-label="Rows" class="num">
            {count(run.rows ?? 0)}
          </td>
          <td data-label="Stored" class="num">
            {bytes(run.storedBytes ?? 0)} <small>of {bytes(run.rawBytes ?? 0)} SQL</small>
          </td>
          <td data-label="Duration" class="num">
            {duration(run.ms ?? 0)}
          </td>
          <td data-label="SHA-256">
            <code title={run.digest ?? ""}>{(run.digest ?? "").slice(0, 12)}</code>
          </td>
          <td data-label="Shown to be">
            <Proof run={run} now={now} />
          </td>
          <td data-label="Get">{isHeld(run) && isAdmin ? <Downloads run={run} name={name} /> : "–"}</td>
          {isAdmin && <td class="wide">{isFirst && <Actions run={run} name={name} />}</td>}
        </>
      ) : (
        <td colspan={isAdmin ? 7 : 6} class="wide wrap">
          {run.error}.{" "}
          <span class="soft">{run.code !== null && isErrorCode(run.code) ? ERROR_CODES[run.code].next : ""}</span>
        </td>
      )}
    </tr>
  );
}

/** What has been shown of a backup since it was read back, and where it is. */
function Proof({ run, now }: { run: PastRun; now: number }) {
  const { damage, isStored, archivedIn } = run;
  const proven = [
    { word: "drilled", at: run.drilledAt },
    { word: "verified", at: run.verifiedAt },
  ];
  return (
    <>
      {isStored && damage !== null && (
        <>
          <StateChip state="damaged" /> <small class="wrap why">{damage}</small>
        </>
      )}
      {isStored &&
        damage === null &&
        proven.map(
          ({ word, at }) =>
            at !== null && (
              <span class="nowrap proof">
                <StateChip state={word} />{" "}
                <small>
                  <Moment at={at} now={now} />
                </small>
              </span>
            ),
        )}
      {archivedIn !== null && (!isStored || damage !== null) && (
        <small class="nowrap">
          {isStored ? "and " : ""}held by <a href={`/dashboard/archives/${archivedIn}`}>{archivedIn}</a>
        </small>
      )}
      {!isHeld(run) && <small>no longer stored</small>}
    </>
  );
}

function Actions({ run: { date }, name }: { run: PastRun; name: string }) {
  return (
    <div class="actions">
      {(["verify", "drill"] as const).map((what) => (
        <form method="post" action={`/dashboard/databases/${name}/${what}`}>
          <input type="hidden" name="date" value={date} />
          <button
            class="small"
            type="submit"
            aria-label={`${what === "verify" ? "Verify" : "Drill"} ${name} of ${date}`}
          >
            {what === "verify" ? "Verify" : "Drill"}
          </button>
        </form>
      ))}
    </div>
  );
}

function Downloads({ run, name }: { run: PastRun; name: string }) {
  const even = run.damage === null || run.archivedIn !== null ? "" : "&damaged=true";
  const address = `/dashboard/download/${run.date}/${name}?job=${run.job}${even}`;
  return (
    <span class="actions">
      <a href={address} aria-label={`Download ${name} of ${run.date} as .sql.gz`}>
        .sql.gz
      </a>
      <a href={`${address}&format=sql`} aria-label={`Download ${name} of ${run.date} as plain SQL`}>
        .sql
      </a>
    </span>
  );
}
