import type { Missing } from "@patina/archive/archive-index";
import type { ListedArchive } from "@patina/catalog/archive-list";
import type { ArchiveMember } from "@patina/catalog/archive-members";
import { amount, bytes, count } from "@patina/core/wording";
import { daysOf, MayGo, stateOf } from "./archives.tsx";
import { StateChip } from "./glyph.tsx";
import { Moment } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";

/** What an archive lacks of its week, or why that cannot be told. */
export type Lacking =
  | { readonly is: "known"; readonly missing: readonly Missing[] }
  | { readonly is: "unknown"; readonly reason: string };

export interface ArchiveFacts {
  readonly frame: Frame;
  readonly archive: ListedArchive;
  /** Those of this page, by date and database. */
  readonly members: readonly ArchiveMember[];
  /** The only database that is listed; empty for all. */
  readonly database: string;
  /** Address of the next page; null on the last. */
  readonly later: string | null;
  readonly lacking: Lacking;
  readonly weeklyWeeks: number;
}

/** One weekly archive: the backups it holds, each with its download, and those it lacks, with the reason. */
export function ArchivePage(facts: ArchiveFacts) {
  const { frame, archive } = facts;
  return (
    <Page title={archive.week} frame={frame} section="archives">
      <p class="crumb">
        <a href="/dashboard/archives">Archives</a> / <span class="mono">{archive.week}</span>
      </p>
      <Summary {...facts} />
      <Lacks {...facts} />
      <Members {...facts} />
    </Page>
  );
}

function Summary({ frame, archive, weeklyWeeks }: ArchiveFacts) {
  const { week, job, backups, databases, bytes: size, rawBytes, storedAt, verifiedAt, damage } = archive;
  return (
    <section class="hero" aria-label="State of the archive">
      <StateChip state={stateOf(archive)} />
      <h1>
        {amount(backups, "backup")} of up to {amount(databases, "database")} a night, {bytes(size)}
      </h1>
      <p>
        {daysOf(week)}, {bytes(rawBytes)} of SQL, made by <a href={`/dashboard/jobs/${job}`}>{job}</a>.{" "}
        {storedAt === null ? (
          "It has not been read back yet."
        ) : (
          <>
            Read back <Moment at={storedAt} now={frame.now} />.{" "}
          </>
        )}
        {storedAt !== null && verifiedAt !== null && verifiedAt > storedAt && (
          <>
            Verified <Moment at={verifiedAt} now={frame.now} />.{" "}
          </>
        )}
        It may go <MayGo week={week} now={frame.now} weeklyWeeks={weeklyWeeks} />.
      </p>
      {damage !== null && <p class="wrap t-bad">{damage}.</p>}
    </section>
  );
}

function Lacks({ archive, lacking }: ArchiveFacts) {
  if (archive.state !== "checked") return null;
  const missing = lacking.is === "known" ? lacking.missing : [];
  return (
    <section class="panel" aria-label="What it lacks">
      <header>
        <h2>What it lacks</h2>
        {missing.length > 0 && <small>{amount(missing.length, "backup")}</small>}
      </header>
      {lacking.is === "unknown" ? (
        <p class="empty">What it lacks cannot be told: {lacking.reason}.</p>
      ) : missing.length === 0 ? (
        <p class="empty">Nothing: it holds every backup that the nights of its week were to make.</p>
      ) : (
        <section class="scroll tall" aria-label="Backups that it lacks" tabindex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Database</th>
                <th scope="col">Date</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {missing.map(({ database, date, reason }) => (
                <tr>
                  <td class="mono">{database}</td>
                  <td class="nowrap">{date}</td>
                  <td class="wrap">{reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

function Members(facts: ArchiveFacts) {
  const { archive, members, database, later, frame } = facts;
  return (
    <section class="panel" aria-label="What it holds">
      <header>
        <h2>What it holds</h2>
        <search>
          <form class="filter" method="get" action={`/dashboard/archives/${archive.week}`}>
            <input
              type="search"
              name="database"
              value={database}
              placeholder="One database"
              aria-label="One database"
            />
            <button type="submit">Show</button>
          </form>
        </search>
      </header>
      {members.length === 0 ? (
        <p class="empty">
          {archive.state === "checked" ? "It holds no such backup. " : "What it holds is known once it is read back. "}
          <a href={`/dashboard/archives/${archive.week}`}>Show all</a>
        </p>
      ) : (
        <div class="scroll">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">Database</th>
                <th scope="col">Date</th>
                <th scope="col">Finished</th>
                <th scope="col" class="num">
                  SQL
                </th>
                <th scope="col" class="num">
                  Stored
                </th>
                <th scope="col">In the archive</th>
                <th scope="col">SHA-256</th>
                <th scope="col">Get</th>
              </tr>
            </thead>
            <tbody>
              {members.map((member) => (
                <MemberRow member={member} frame={frame} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {later !== null && (
        <nav class="pages" aria-label="Pages">
          <a href={later}>Next {count(members.length)}</a>
        </nav>
      )}
    </section>
  );
}

function MemberRow({ member, frame }: { member: ArchiveMember; frame: Frame }) {
  const { database, date, finishedAt, offset, digest, damagedAt } = member;
  const even = damagedAt === null ? "" : "&damaged=true";
  const address = `/dashboard/download/${date}/${database}?job=nightly-${date}${even}`;
  return (
    <tr>
      <td class="name">
        <a class="mono" href={`/dashboard/databases/${database}`}>
          {database}
        </a>
      </td>
      <td class="state nowrap">{date}</td>
      <td data-label="Finished">{finishedAt === null ? "not known" : <Moment at={finishedAt} now={frame.now} />}</td>
      <td data-label="SQL" class="num">
        {bytes(member.rawBytes)}
      </td>
      <td data-label="Stored" class="num">
        {bytes(member.bytes)}
      </td>
      <td data-label="In the archive" class="nowrap">
        <small>from byte {count(offset)}</small>
      </td>
      <td data-label="SHA-256">
        <code title={digest}>{digest.slice(0, 12)}</code>
        {damagedAt !== null && <small class="t-bad"> damaged</small>}
      </td>
      <td data-label="Get">
        {frame.principal.role === "admin" ? (
          <a href={address} aria-label={`Download ${database} of ${date} as .sql.gz`}>
            .sql.gz
          </a>
        ) : (
          "–"
        )}
      </td>
    </tr>
  );
}
