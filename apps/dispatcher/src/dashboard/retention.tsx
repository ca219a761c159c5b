import type { PrunePlan } from "@patina/catalog/prune-plans";
import type { CustodySettings } from "@patina/core/custody";
import type { DumpPolicy } from "@patina/core/retention-policy";
import { policyWords } from "@patina/core/retention-words";
import { amount, bytes, count, duration } from "@patina/core/wording";
import { Glyph, StateChip } from "./glyph.tsx";
import { Moment } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";
import { endOf } from "./prune.tsx";
import type { RetentionFields } from "./retention-draft.ts";
import { RetentionForm } from "./retention-form.tsx";
import { SaidBox } from "./said.tsx";

interface RetentionFacts {
  readonly frame: Frame;
  readonly custody: CustodySettings & { readonly updatedAt: number | null };
  /** Databases with a retention of their own. */
  readonly overrides: ReadonlyMap<string, DumpPolicy>;
  /** Newest first. */
  readonly prunes: readonly PrunePlan[];
  readonly fields: RetentionFields;
  /** Why what somebody typed was not set. */
  readonly fault: string | null;
}

/** What is kept how long, in words; a form to change it; and what the last prunes did. */
export function RetentionPage(facts: RetentionFacts) {
  const { frame, fields, fault } = facts;
  return (
    <Page title="Retention" frame={frame} section="retention">
      <Hero {...facts} />
      {fault !== null && <SaidBox tone="bad" text={`${fault}. Nothing was changed.`} />}
      <div class="columns">
        <Settings {...facts} />
        <Overrides {...facts} />
      </div>
      {frame.principal.role === "admin" && <RetentionForm fields={fields} />}
      <Prunes {...facts} />
    </Page>
  );
}

function Hero({ frame, custody }: RetentionFacts) {
  const words = policyWords(custody.dumps);
  return (
    <section class="hero" aria-label="What is kept">
      <Glyph sign="clock" tone="none" />
      <h1>
        Kept are {words}, and weekly archives for {amount(custody.weeklyWeeks, "week")}
      </h1>
      <div class="actions">
        <a class="button" href="/dashboard/retention/preview">
          What the next prune would remove
        </a>
      </div>
      <p>
        {custody.updatedAt === null ? (
          "This is the default: nobody has set anything."
        ) : (
          <>
            Set <Moment at={custody.updatedAt} now={frame.now} />.
          </>
        )}{" "}
        Whatever is set, the last good backup of a database stays, and so does a daily that no archive verifiably holds.
      </p>
    </section>
  );
}

function Settings({ custody }: RetentionFacts) {
  const { dumps, weeklyWeeks, verifyBytes, drillRows } = custody;
  return (
    <section class="panel" aria-label="Settings">
      <header>
        <h2>What is set</h2>
      </header>
      <div class="body">
        <dl class="facts">
          <dt>Dumps</dt>
          <dd>{policyWords(dumps)}</dd>
          <dt>Size of one database</dt>
          <dd>{dumps.maxBytes === null ? "no limit" : `at most ${bytes(dumps.maxBytes)}, the oldest go first`}</dd>
          <dt>Archives</dt>
          <dd>{amount(weeklyWeeks, "week")}</dd>
          <dt>Lock of the bucket</dt>
          <dd>
            <code>lock_days</code> of the registry file; where it is longer, what it holds stays
          </dd>
          <dt>Verifications</dt>
          <dd>read at most {bytes(verifyBytes)} a day</dd>
          <dt>Drills</dt>
          <dd>write at most {amount(drillRows, "row")} a month</dd>
        </dl>
      </div>
    </section>
  );
}

function Overrides({ overrides }: RetentionFacts) {
  return (
    <section class="panel" aria-label="Databases with their own">
      <header>
        <h2>Databases with their own</h2>
        {overrides.size > 0 && <small>{amount(overrides.size, "database")}</small>}
      </header>
      {overrides.size === 0 ? (
        <div class="empty">
          <p>Every database is kept alike. One that the API has added gets its own so:</p>
          <code>{`curl -X PATCH -H "Authorization: Bearer $TOKEN" --json '{"retention":{"kind":"age","daily_days":30}}' $PATINA_URL/databases/<name>`}</code>
        </div>
      ) : (
        <section class="scroll tall" aria-label="Databases with a retention of their own" tabindex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Database</th>
                <th scope="col">Kept</th>
              </tr>
            </thead>
            <tbody>
              {[...overrides].map(([name, policy]) => (
                <tr>
                  <td class="mono">
                    <a href={`/dashboard/databases/${name}`}>{name}</a>
                  </td>
                  <td class="wrap">
                    {policyWords(policy)} <a href={`/dashboard/retention/preview?database=${name}`}>Next prune</a>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

function Prunes({ prunes, frame }: RetentionFacts) {
  return (
    <section class="panel" aria-label="Prunes">
      <header>
        <h2>What the last prunes did</h2>
      </header>
      {prunes.length === 0 ? (
        <div class="empty">
          <p>Nothing has been pruned yet: the first prune follows the next night. What it would do:</p>
          <code>patina prune --dry-run</code>
        </div>
      ) : (
        <div class="scroll">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">Prune</th>
                <th scope="col">State</th>
                <th scope="col">When</th>
                <th scope="col" class="num">
                  Took
                </th>
                <th scope="col" class="num">
                  Removed
                </th>
                <th scope="col" class="num">
                  Freed
                </th>
                <th scope="col" class="num">
                  Kept
                </th>
                <th scope="col">End</th>
              </tr>
            </thead>
            <tbody>
              {prunes.map((plan) => (
                <tr>
                  <td class="name">
                    <a class="mono" href={`/dashboard/prunes/${plan.id}`}>
                      {plan.id}
                    </a>
                    <small>{plan.jobId === null ? "asked for" : `after ${plan.jobId}`}</small>
                  </td>
                  <td class="state">
                    <StateChip state={plan.state} />
                  </td>
                  <td data-label="When">
                    <Moment at={plan.startedAt} now={frame.now} />
                  </td>
                  <td data-label="Took" class="num">
                    {duration((plan.finishedAt ?? frame.now) - plan.startedAt)}
                  </td>
                  <td data-label="Removed" class="num">
                    {count(plan.removed)}
                  </td>
                  <td data-label="Freed" class="num">
                    {bytes(plan.removedBytes)}
                  </td>
                  <td data-label="Kept" class="num">
                    {plan.doubt === null ? count(plan.kept) : "everything"}
                  </td>
                  <td class="wide wrap">{endOf(plan)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
