import { Hono } from "hono";
import type { Dashboard } from "./app.tsx";

/** What decides which part of a backup is sent, and whether it is. */
const CONDITIONS = ["range", "if-range", "if-match", "if-none-match"];

/** Downloads, as the API gives and audits them. */
export function downloadRoutes() {
  return new Hono<Dashboard>().get("/download/:date/:name", async (c) => {
    const { date, name } = c.req.param();
    const headers = Object.fromEntries(
      CONDITIONS.flatMap((header) => {
        const value = c.req.header(header);
        return value === undefined ? [] : [[header, value]];
      }),
    );
    const { search } = new URL(c.req.url);
    return await c.get("ask")(`/download/${encodeURIComponent(date)}/${encodeURIComponent(name)}${search}`, {
      headers,
    });
  });
}
