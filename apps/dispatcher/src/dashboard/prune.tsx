import type { PrunePlan, PruneStep } from "@patina/catalog/prune-plans";
import { amount, bytes, count, duration } from "@patina/core/wording";
import { StateChip } from "./glyph.tsx";
import { Moment } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";

interface PruneFacts {
  readonly frame: Frame;
  readonly plan: PrunePlan;
  /** Those of this page, by key. */
  readonly steps: readonly PruneStep[];
  readonly state: PruneStep["state"] | "all";
  /** Key of the last step of this page; null when there are no more. */
  readonly last: string | null;
}

/** One prune: what it decided, what came of it, and each step with its reason. */
export function PrunePage({ frame, plan, steps, state, last }: PruneFacts) {
  return (
    <Page title={plan.id} frame={frame} section="retention">
      <p class="crumb">
        <a href="/dashboard/retention">Retention</a> / <span class="mono">{plan.id}</span>
      </p>
      <section class="hero" aria-label="State of the prune">
        <StateChip state={plan.state} />
        <h1>
          {plan.state === "running"
            ? `It prunes: ${count(plan.removed)} removed so far`
            : plan.removed === 0
              ? "Nothing was removed"
              : `${amount(plan.removed, "object")} removed, ${bytes(plan.removedBytes)}`}
        </h1>
        <p>
          Begun <Moment at={plan.startedAt} now={frame.now} />
          {plan.jobId === null ? (
            ", because somebody asked for it"
          ) : (
            <>
              , after <a href={`/dashboard/jobs/${plan.jobId}`}>{plan.jobId}</a>
            </>
          )}
          {plan.finishedAt !== null && `; it took ${duration(plan.finishedAt - plan.startedAt)}`}. {endOf(plan)}
        </p>
        {plan.error !== null && <p class="wrap t-bad">{plan.error}</p>}
      </section>
      <Counts plan={plan} />
      <Steps plan={plan} steps={steps} state={state} last={last} />
    </Page>
  );
}

/** How a prune ended, in words. */
export function endOf(plan: PrunePlan): string {
  const { doubt, state, rescued, adopted, missing, orphans, aged } = plan;
  if (state === "failed") return "It was given up; the next one decides anew.";
  const facts = [
    doubt === null ? "" : `${doubt[0]?.toUpperCase() ?? ""}${doubt.slice(1)}.`,
    rescued > 0 ? `${amount(rescued, "backup")} copied out of archives.` : "",
    adopted > 0 ? `${amount(adopted, "backup")} put back into the inventory.` : "",
    missing > 0 ? `${amount(missing, "stored backup")} not in the bucket.` : "",
    orphans > 0 ? `${amount(orphans, "object")} that nothing needs.` : "",
    aged > 0 ? `${amount(aged, "row")} of the catalog forgotten.` : "",
  ].filter((fact) => fact !== "");
  if (facts.length > 0) return facts.join(" ");
  return state === "running" ? "" : "It removed what was too old and found nothing out of place.";
}

function Counts({ plan }: { plan: PrunePlan }) {
  return (
    <dl class="counters">
      <div>
        <dd>
          {count(plan.removed)} <small>of {count(plan.removing)}</small>
        </dd>
        <dt>removed, of those to go</dt>
      </div>
      <div>
        <dd>{bytes(plan.removedBytes)}</dd>
        <dt>freed</dt>
      </div>
      <div>
        <dd>{plan.doubt === null ? count(plan.kept) : "all"}</dd>
        <dt>backups and archives stay</dt>
      </div>
      <div>
        <dd>
          {count(plan.listed)} <small>{count(plan.foreignObjects)} foreign</small>
        </dd>
        <dt>objects looked at</dt>
      </div>
      <div>
        <dd>{count(plan.missing)}</dd>
        <dt>missing</dt>
      </div>
    </dl>
  );
}

const ACTION_WORDS: Record<PruneStep["action"], string> = {
  rescue: "copy out of its archive",
  adopt: "put back into the inventory",
  forget_row: "forget, as it is gone",
  remove: "remove",
  remove_archive: "remove the archive",
  remove_orphan: "remove, as nothing needs it",
  abort_upload: "end the upload",
};

const STATES = ["all", "done", "skipped", "planned"] as const;

function Steps({ plan, steps, state, last }: Omit<PruneFacts, "frame">) {
  const path = `/dashboard/prunes/${plan.id}`;
  const of = (wanted: string) => (wanted === "all" ? "" : `state=${wanted}`);
  return (
    <section class="panel" aria-label="Steps">
      <header>
        <h2>Steps</h2>
        <nav class="choices" aria-label="Which steps">
          {STATES.map((wanted) => (
            <a
              href={wanted === "all" ? path : `${path}?${of(wanted)}`}
              aria-current={wanted === state ? "true" : undefined}
            >
              {wanted}
            </a>
          ))}
        </nav>
      </header>
      {steps.length === 0 ? (
        <p class="empty">
          {state !== "all"
            ? "There is no such step."
            : plan.state === "running"
              ? "Nothing is decided yet."
              : "There was nothing to do: everything stays."}
        </p>
      ) : (
        <div class="scroll">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">Object</th>
                <th scope="col">State</th>
                <th scope="col">To do</th>
                <th scope="col" class="num">
                  Size
                </th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {steps.map((step) => (
                <tr>
                  <td class="key wrap mono">{step.key}</td>
                  <td class="state">
                    <StateChip state={step.state} />
                  </td>
                  <td data-label="To do">{ACTION_WORDS[step.action]}</td>
                  <td data-label="Size" class="num">
                    {bytes(step.size)}
                  </td>
                  <td class="wide wrap">
                    {step.reason}
                    {step.note !== null && <small> {step.note}</small>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {last !== null && (
        <nav class="pages" aria-label="Pages">
          <a href={`${path}?${new URLSearchParams({ ...(state === "all" ? {} : { state }), after: last })}`}>Next</a>
        </nav>
      )}
    </section>
  );
}
