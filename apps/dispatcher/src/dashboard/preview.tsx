import type { PreviewEntry, PreviewPart } from "@patina/catalog/retention-preview";
import type { RetentionPolicy } from "@patina/core/retention-policy";
import { policyWords } from "@patina/core/retention-words";
import { amount, bytes, count } from "@patina/core/wording";
import { Glyph, StateChip } from "./glyph.tsx";
import { Moment } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";
import { DECISIONS, hrefOf, type PreviewQuery, pageOf, sumsOf } from "./preview-view.ts";
import { draftFields, type RetentionDraft } from "./retention-draft.ts";
import { SaidBox } from "./said.tsx";

interface PreviewFacts {
  readonly frame: Frame;
  /** What is judged by. */
  readonly policy: RetentionPolicy;
  /** Why nothing would go; null when there is no such reason. */
  readonly doubt: string | null;
  readonly part: PreviewPart;
  readonly query: PreviewQuery;
  readonly page: number;
  /** What somebody only looks at; null when it is what is set. */
  readonly draft: RetentionDraft | null;
  /** Why what somebody typed cannot be looked at. */
  readonly fault: string | null;
}

/** What the next prune would remove, and why, and what it keeps: counts first. */
export function PreviewPage(facts: PreviewFacts) {
  const { frame, fault } = facts;
  return (
    <Page title="Next prune" frame={frame} section="retention">
      <p class="crumb">
        <a href="/dashboard/retention">Retention</a> / Next prune
      </p>
      <Hero {...facts} />
      {fault !== null && <SaidBox tone="bad" text={`${fault}. This is by what is set.`} />}
      <Counters {...facts} />
      <Entries {...facts} />
    </Page>
  );
}

function Hero({ frame, policy, doubt, part, draft }: PreviewFacts) {
  const { remove, keep } = sumsOf(part.entries);
  const isAdmin = frame.principal.role === "admin";
  const words = `${policyWords(policy.dumps)}, archives for ${amount(policy.weeklyWeeks, "week")}`;
  const own = policy.overrides.size;
  return (
    <section class="hero" aria-label="What the next prune would do">
      <Glyph {...(doubt === null ? { sign: "check", tone: "good" } : { sign: "pause", tone: "warn" })} />
      <h1>
        {remove.count === 0
          ? `The next prune would remove nothing of ${amount(keep.count, "object")}`
          : `The next prune would remove ${count(remove.count)} of ${amount(remove.count + keep.count, "object")}, ${bytes(remove.bytes)}`}
      </h1>
      {isAdmin && draft === null && remove.count > 0 && (
        <form method="post" action="/dashboard/prunes">
          <button type="submit">Prune now</button>
        </form>
      )}
      {isAdmin && draft !== null && <SetForm draft={draft} />}
      {doubt !== null && <p class="wrap t-warn">{`${doubt[0]?.toUpperCase() ?? ""}${doubt.slice(1)}`}.</p>}
      <p>
        {draft === null ? "By what is set: " : "If this were set, which it is not: "}
        {words}
        {own > 0 && `; ${amount(own, "database")} ${own === 1 ? "has its" : "have their"} own`}.{" "}
        {draft === null ? (
          <>
            A prune runs after each night. <a href="/dashboard/retention">Change it</a>
          </>
        ) : (
          <a href="/dashboard/retention/preview">Back to what is set</a>
        )}
      </p>
      {part.next !== null && <p>There is more than is read at once: this counts the databases up to {part.next}.</p>}
    </section>
  );
}

function SetForm({ draft }: { draft: RetentionDraft }) {
  return (
    <form method="post" action="/dashboard/retention">
      {Object.entries(draftFields(draft)).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <button class="main" type="submit">
        Set it
      </button>
    </form>
  );
}

function Counters({ part }: PreviewFacts) {
  const { keep, lastGood, remove, toCopyOut } = sumsOf(part.entries);
  return (
    <dl class="counters">
      <div>
        <dd>{count(remove.count)}</dd>
        <dt>would go</dt>
      </div>
      <div>
        <dd>{bytes(remove.bytes)}</dd>
        <dt>would be free</dt>
      </div>
      <div>
        <dd>
          {count(keep.count)} <small>{bytes(keep.bytes)}</small>
        </dd>
        <dt>would stay</dt>
      </div>
      <div>
        <dd>{count(lastGood.count)}</dd>
        <dt>stay only as the last good one</dt>
      </div>
      <div>
        <dd>{count(toCopyOut)}</dd>
        <dt>copied out of archives first</dt>
      </div>
    </dl>
  );
}

const NONE_WORDS: Record<PreviewQuery["decision"], string> = {
  remove: "Nothing would go.",
  keep: "Nothing would stay.",
  "last good": "Nothing stays for that reason alone.",
  all: "Nothing is stored.",
};

const DECISION_WORDS: Record<PreviewQuery["decision"], string> = {
  remove: "what would go",
  keep: "what would stay",
  "last good": "only as the last good one",
  all: "everything",
};

function Entries(facts: PreviewFacts) {
  const { part, query, draft, frame } = facts;
  const { shown, matching, page, pages } = pageOf(part.entries, { decision: query.decision, page: facts.page });
  const href = (change: Parameters<typeof hrefOf>[1]) => hrefOf({ query, draft }, change);
  return (
    <section class="panel" aria-label="Decisions">
      <header>
        <h2>What and why</h2>
        <nav class="choices" aria-label="Which decisions">
          {DECISIONS.map((decision) => (
            <a href={href({ decision })} aria-current={decision === query.decision ? "true" : undefined}>
              {DECISION_WORDS[decision]}
            </a>
          ))}
        </nav>
      </header>
      {query.database !== "" && (
        <p class="pages">
          <span>Only of {query.database}</span> <a href={href({ database: "" })}>Show all databases</a>
        </p>
      )}
      {shown.length === 0 ? (
        <p class="empty">
          {part.entries.length === 0 ? NONE_WORDS.all : NONE_WORDS[query.decision]}{" "}
          {query.decision !== "all" && <a href={href({ decision: "all" })}>Show everything</a>}
        </p>
      ) : (
        <div class="scroll">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">Object</th>
                <th scope="col">Decision</th>
                <th scope="col">Finished</th>
                <th scope="col" class="num">
                  Size
                </th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((entry) => (
                <EntryRow entry={entry} now={frame.now} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {(pages > 1 || part.next !== null) && (
        <nav class="pages" aria-label="Pages">
          <span>
            Page {page} of {pages}, {amount(matching, "object")}
          </span>
          {page > 1 && <a href={href({ page: page - 1 })}>Previous</a>}
          {page < pages && <a href={href({ page: page + 1 })}>Next</a>}
          {part.next !== null && <a href={href({ after: part.next })}>The databases after {part.next}</a>}
        </nav>
      )}
    </section>
  );
}

function EntryRow({ entry, now }: { entry: PreviewEntry; now: number }) {
  const { key, kind, database, date, at, isKept, reason, toCopyOut } = entry;
  const week = key.slice("weekly/".length, "weekly/2026-W47".length);
  return (
    <tr>
      <td class="name">
        {database === null ? (
          <a class="mono" href={`/dashboard/archives/${week}`}>
            {week}
          </a>
        ) : (
          <a class="mono" href={`/dashboard/databases/${database}`}>
            {database}
          </a>
        )}
        <small title={key}>{kind === "weekly" ? "archive" : `${kind} of ${date ?? "no date"}`}</small>
      </td>
      <td class="state">
        <StateChip state={isKept ? "keep" : "remove"} />
      </td>
      <td data-label="Finished">
        <Moment at={at} now={now} />
      </td>
      <td data-label="Size" class="num">
        {bytes(entry.bytes)}
      </td>
      <td class="wide wrap">
        {reason}
        {toCopyOut > 0 && <small> {amount(toCopyOut, "backup")} would be copied out of it first</small>}
      </td>
    </tr>
  );
}
