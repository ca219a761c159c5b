import type { ListedArchive } from "@patina/catalog/archive-list";
import { oldEnoughAt } from "@patina/core/archive-retention";
import { datesOf } from "@patina/core/week";
import { amount, bytes, count } from "@patina/core/wording";
import { Glyph, StateChip } from "./glyph.tsx";
import { Moment } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";

interface ArchivesFacts {
  readonly frame: Frame;
  readonly archives: readonly ListedArchive[];
  /** Address of the next, older page; null on the last. */
  readonly older: string | null;
  /** Weeks that an archive is kept. */
  readonly weeklyWeeks: number;
}

/** The weekly archives, newest first. */
export function ArchivesPage({ frame, archives, older, weeklyWeeks }: ArchivesFacts) {
  return (
    <Page title="Archives" frame={frame} section="archives">
      <Hero archives={archives} weeklyWeeks={weeklyWeeks} />
      <section class="panel" aria-label="Archives">
        {archives.length === 0 ? (
          <div class="empty">
            <p>No archive has been made yet: the first is made on Sunday at 04:00 UTC. What it will be made of:</p>
            <code>{'curl -H "Authorization: Bearer $TOKEN" $PATINA_URL/list'}</code>
          </div>
        ) : (
          <div class="scroll">
            <table class="cards">
              <thead>
                <tr>
                  <th scope="col">Week</th>
                  <th scope="col">State</th>
                  <th scope="col">Holds</th>
                  <th scope="col" class="num">
                    Stored
                  </th>
                  <th scope="col">Lacks</th>
                  <th scope="col">Read back</th>
                  <th scope="col">May go</th>
                </tr>
              </thead>
              <tbody>
                {archives.map((archive) => (
                  <ArchiveRow archive={archive} now={frame.now} weeklyWeeks={weeklyWeeks} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        {older !== null && (
          <nav class="pages" aria-label="Pages">
            <a href={older}>Older archives</a>
          </nav>
        )}
      </section>
    </Page>
  );
}

function Hero({ archives, weeklyWeeks }: Pick<ArchivesFacts, "archives" | "weeklyWeeks">) {
  const bad = archives.filter(({ damage }) => damage !== null);
  const short = archives.filter(({ missing }) => missing !== null && missing > 0);
  const [newest] = archives;
  return (
    <section class="hero" aria-label="State of the archives">
      {bad.length > 0 ? (
        <Glyph sign="cross" tone="bad" />
      ) : short.length > 0 ? (
        <Glyph sign="gap" tone="warn" />
      ) : (
        <Glyph {...(newest === undefined ? { sign: "ring", tone: "none" } : { sign: "check", tone: "good" })} />
      )}
      <h1>{sentence({ archives, bad: bad.length, short: short.length })}</h1>
      <p>
        Each Sunday a week's nightly backups are packed into one archive, as they are, and read back. An archive is kept
        for <a href="/dashboard/retention">{amount(weeklyWeeks, "week")}</a>, and longer while it alone holds the last
        good backup of a database.
      </p>
    </section>
  );
}

function sentence({
  archives,
  bad,
  short,
}: {
  archives: readonly ListedArchive[];
  bad: number;
  short: number;
}): string {
  if (archives.length === 0) return "There is no archive yet";
  if (bad > 0) return `${amount(bad, "archive")} ${bad === 1 ? "is" : "are"} damaged`;
  const backups = archives.reduce((sum, archive) => sum + archive.backups, 0);
  const holds = `${amount(archives.length, "archive")} ${archives.length === 1 ? "holds" : "hold"} ${amount(backups, "backup")}`;
  return short === 0 ? holds : `${holds}; ${short === 1 ? "one lacks" : `${count(short)} lack`} some of its week`;
}

interface RowFacts {
  readonly archive: ListedArchive;
  readonly now: number;
  readonly weeklyWeeks: number;
}

function ArchiveRow({ archive, now, weeklyWeeks }: RowFacts) {
  const { week, backups, databases, bytes: size, rawBytes, storedAt, missing } = archive;
  return (
    <tr>
      <td class="name">
        <a class="mono" href={`/dashboard/archives/${week}`}>
          {week}
        </a>
        <small>{daysOf(week)}</small>
      </td>
      <td class="state">
        <StateChip state={stateOf(archive)} />
      </td>
      <td data-label="Holds" class="nowrap">
        {amount(backups, "backup")} <small>up to {amount(databases, "database")} a night</small>
      </td>
      <td data-label="Stored" class="num">
        {bytes(size)} <small>of {bytes(rawBytes)} SQL</small>
      </td>
      <td data-label="Lacks">{missing === null ? "–" : missing === 0 ? "nothing" : amount(missing, "backup")}</td>
      <td data-label="Read back">{storedAt === null ? "not yet" : <Moment at={storedAt} now={now} />}</td>
      <td data-label="May go">
        <MayGo week={week} now={now} weeklyWeeks={weeklyWeeks} />
      </td>
    </tr>
  );
}

/** When an archive may go; what of it is the last of its kind keeps it for longer. */
export function MayGo({ week, now, weeklyWeeks }: { week: string; now: number; weeklyWeeks: number }) {
  const at = oldEnoughAt(week, weeklyWeeks);
  return at > now ? <Moment at={at} now={now} /> : <>with the next prune</>;
}

/** `2026-11-16 to 2026-11-22` */
export function daysOf(week: string): string {
  const dates = datesOf(week);
  return `${dates[0] ?? ""} to ${dates[6] ?? ""}`;
}

/** How an archive is, by its word. */
export function stateOf({ state, damage, missing, storedAt }: ListedArchive): string {
  if (damage !== null) return "damaged";
  if (state !== "checked") return state;
  if (storedAt === null) return "gone";
  return missing !== null && missing > 0 ? "incomplete" : "read back";
}
