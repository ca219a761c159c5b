import { listChannels, listDeliveries } from "@patina/catalog/channels";
import { readThresholds } from "@patina/catalog/thresholds";
import { type Context, Hono } from "hono";
import * as v from "valibot";
import { AlertsPage } from "./alerts.tsx";
import { type Dashboard, show } from "./app.tsx";
import type { Said } from "./said.tsx";

/** Deliveries that the page lists. */
const LISTED = 50;

const PAGE = "/dashboard/alerts";

const Text = v.fallback(v.string(), "");
const NewChannel = v.object({ id: Text, kind: Text, url: Text });
const Events = v.fallback(
  v.union([
    v.array(v.string()),
    v.pipe(
      v.string(),
      v.transform((event) => [event]),
    ),
  ]),
  [],
);
const Amount = v.pipe(Text, v.transform(Number));
const Thresholds = v.object({ slow_minutes: Amount, deviation_percent: Amount, summary_hour: Amount });

const Saved = v.object({ signing_key: v.nullable(v.string()) });
const Tested = v.object({ sent: v.boolean(), reason: v.nullable(v.string()) });

/** The page of alerts. What its forms say goes to the API as it is: the checks are there. */
export function alertsRoutes() {
  return new Hono<Dashboard>()
    .get("/alerts", (c) => page(c, null))
    .post("/alerts", async (c) => {
      const channel = v.parse(NewChannel, await c.req.parseBody());
      const answer = await c.get("ask")("/alerts", { method: "POST", body: channel });
      const { signing_key: signingKey } = v.parse(Saved, await answer.json());
      const text = `Channel ${channel.id} is added. Send it a test to see that it arrives.`;
      return await page(c, { tone: "good", text, ...(signingKey === null ? {} : { signingKey }) });
    })
    .post("/alerts/thresholds", async (c) => {
      const body = v.parse(Thresholds, await c.req.parseBody());
      await c.get("ask")("/thresholds", { method: "PATCH", body });
      return c.redirect(PAGE, 303);
    })
    .post("/alerts/:id/events", async (c) => {
      const events = v.parse(Events, (await c.req.parseBody({ all: true }))["events"]);
      return await change(c, { events });
    })
    .post("/alerts/:id/on", (c) => change(c, { enabled: true }))
    .post("/alerts/:id/off", (c) => change(c, { enabled: false }))
    .post("/alerts/:id/remove", async (c) => {
      await c.get("ask")(pathOf(c), { method: "DELETE" });
      return c.redirect(PAGE, 303);
    })
    .post("/alerts/:id/test", async (c) => {
      const answer = await c.get("ask")(`${pathOf(c)}/test`, { method: "POST" });
      const { sent, reason } = v.parse(Tested, await answer.json());
      const id = c.req.param("id");
      const said: Said = sent
        ? { tone: "good", text: `A test has reached ${id}.` }
        : { tone: "bad", text: `The test did not reach ${id}: ${reason}.` };
      return await page(c, said);
    });
}

async function page(c: Context<Dashboard>, said: Said | null): Promise<Response> {
  const { catalog } = c.get("context");
  const facts = {
    frame: c.get("frame"),
    channels: await listChannels(catalog),
    deliveries: await listDeliveries(catalog, { limit: LISTED }),
    thresholds: await readThresholds(catalog),
    said,
  };
  return show(c, <AlertsPage {...facts} />);
}

async function change(c: Context<Dashboard>, body: Readonly<Record<string, unknown>>): Promise<Response> {
  await c.get("ask")(pathOf(c), { method: "PATCH", body });
  return c.redirect(PAGE, 303);
}

function pathOf(c: Context<Dashboard>): string {
  return `/alerts/${encodeURIComponent(c.req.param("id") ?? "")}`;
}
