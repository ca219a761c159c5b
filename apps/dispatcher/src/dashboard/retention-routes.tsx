import { readCustody, readRetention } from "@patina/catalog/custody-settings";
import { findPlan, listPlans } from "@patina/catalog/prune-plans";
import { listSteps } from "@patina/catalog/prune-steps";
import { doubtNow } from "@patina/catalog/retention-doubt";
import { previewPart } from "@patina/catalog/retention-preview";
import { PatinaError } from "@patina/core/error";
import { type Context, Hono } from "hono";
import * as v from "valibot";
import { type Dashboard, show } from "./app.tsx";
import { PageNumber } from "./page-number.ts";
import { PreviewPage } from "./preview.tsx";
import { PreviewQuery } from "./preview-view.ts";
import { PrunePage } from "./prune.tsx";
import { RetentionPage } from "./retention.tsx";
import {
  draftOf,
  draftPolicy,
  faultOfDraft,
  fieldsOf,
  type RetentionDraft,
  type RetentionFields,
  readFields,
} from "./retention-draft.ts";

/** Prunes that the page lists, and steps of one. */
const LISTED = 20;
const PAGE_SIZE = 50;

const StepState = v.fallback(v.picklist(["planned", "done", "skipped", "all"]), "all");

export function retentionRoutes() {
  return new Hono<Dashboard>()
    .get("/retention", (c) => settings(c, { fields: null, fault: null }))
    .post("/retention", async (c) => {
      const fields = readFields(await c.req.parseBody());
      try {
        await c.get("ask")("/retention", { method: "PUT", body: { ...draftOf(fields) } });
      } catch (thrown) {
        if (!(thrown instanceof PatinaError) || thrown.code !== "invalid_request") throw thrown;
        return await settings(c, { fields, fault: thrown.message });
      }
      // What it comes to is the first thing to look at.
      return c.redirect("/dashboard/retention/preview", 303);
    })
    .get("/retention/preview", (c) => preview(c))
    .post("/prunes", async (c) => {
      const reason = `asked for on the dashboard by ${c.get("principal").name}`;
      const answer = await c.get("ask")("/prune", { method: "POST", body: { reason } });
      return c.redirect(`/dashboard${answer.headers.get("location") ?? "/retention"}`, 303);
    })
    .get("/prunes/:id", async (c) => {
      const { catalog } = c.get("context");
      const id = c.req.param("id");
      const plan = await findPlan(catalog, id);
      if (plan === undefined) throw new PatinaError("not_found", "Cannot find this prune");
      const state = v.parse(StepState, c.req.query("state"));
      const found = await listSteps(catalog, {
        plan: id,
        filter: { state: state === "all" ? undefined : state },
        after: c.req.query("after"),
        limit: PAGE_SIZE + 1,
      });
      const steps = found.slice(0, PAGE_SIZE);
      const last = found.length > PAGE_SIZE ? steps.at(-1)?.key : undefined;
      const facts = { frame: c.get("frame"), plan, steps, state, last: last ?? null };
      return show(c, <PrunePage {...facts} />, { isLive: plan.state === "running" });
    });
}

/** The page with the settings; with what somebody has typed and why it cannot be set, when it cannot. */
async function settings(
  c: Context<Dashboard>,
  { fields, fault }: { fields: RetentionFields | null; fault: string | null },
): Promise<Response> {
  const { catalog } = c.get("context");
  const custody = await readCustody(catalog);
  const { overrides } = await readRetention(catalog);
  const prunes = await listPlans(catalog, { limit: LISTED });
  const facts = { frame: c.get("frame"), custody, overrides, prunes, fields: fields ?? fieldsOf(custody), fault };
  const isLive = fault === null && prunes.some(({ state }) => state === "running");
  return show(c, <RetentionPage {...facts} />, { isLive, ...(fault === null ? {} : { status: 400 }) });
}

/** What the next prune would do: by what is set, or by what the form says that the page was asked with. */
async function preview(c: Context<Dashboard>): Promise<Response> {
  const { catalog, clock } = c.get("context");
  const now = clock();
  const asked = c.req.query();
  const query = v.parse(PreviewQuery, asked);
  const { draft, fault } = draftIn(asked);
  const set = await readRetention(catalog);
  const policy = draft === null ? set : { ...set, ...draftPolicy(draft) };
  const doubt = await doubtNow(catalog, { policy, now });
  const part = await previewPart(catalog, {
    policy,
    now,
    doubt,
    database: query.database || undefined,
    after: query.after || undefined,
  });
  const page = v.parse(PageNumber, asked["page"]);
  return show(c, <PreviewPage {...{ frame: c.get("frame"), policy, doubt, part, query, page, draft, fault }} />);
}

/** A draft that cannot be set is told of, and not looked at. */
function draftIn(asked: Readonly<Record<string, string>>): { draft: RetentionDraft | null; fault: string | null } {
  if (asked["kind"] === undefined) return { draft: null, fault: null };
  try {
    const draft = draftOf(readFields(asked));
    const fault = faultOfDraft(draft);
    return fault === null ? { draft, fault } : { draft: null, fault: `Cannot set this retention: ${fault}` };
  } catch (thrown) {
    if (thrown instanceof PatinaError) return { draft: null, fault: thrown.message };
    throw thrown;
  }
}
