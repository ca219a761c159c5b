import { VERSION } from "@patina/core/version";
import { Hono } from "hono";
import type { Api } from "../app.ts";

/** Says what this is and whether it can serve; the only thing anybody may see. */
export const root = new Hono<Api>().get("/", (c) =>
  c.json({ service: "patina", version: VERSION, status: c.env.token === undefined ? "not configured" : "ok" }),
);
