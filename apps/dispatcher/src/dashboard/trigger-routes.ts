import { type Context, Hono } from "hono";
import type { Dashboard } from "./app.tsx";

/** The buttons that start a backup. They lead to the job, which may be one that runs already. */
export function triggerRoutes() {
  return new Hono<Dashboard>()
    .post("/trigger", (c) => trigger(c, {}))
    .post("/databases/:name/trigger", (c) => trigger(c, { database: c.req.param("name") }));
}

async function trigger(c: Context<Dashboard>, which: { database?: string }): Promise<Response> {
  const reason = `asked for on the dashboard by ${c.get("principal").name}`;
  const answer = await c.get("ask")("/trigger", { method: "POST", body: { ...which, reason } });
  return c.redirect(`/dashboard${answer.headers.get("location") ?? "/jobs"}`, 303);
}
