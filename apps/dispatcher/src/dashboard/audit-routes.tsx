import { listAudit } from "@patina/catalog/audit";
import { Hono } from "hono";
import * as v from "valibot";
import { type Dashboard, show } from "./app.tsx";
import { AuditPage } from "./audit.tsx";

const PAGE_SIZE = 50;

/** The last line of the page before. */
const Before = v.fallback(v.optional(v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.transform(Number))), undefined);

export function auditRoutes() {
  return new Hono<Dashboard>().get("/audit", async (c) => {
    const before = v.parse(Before, c.req.query("before"));
    const found = await listAudit(c.get("context").catalog, {
      limit: PAGE_SIZE + 1,
      ...(before === undefined ? {} : { before }),
    });
    const rows = found.slice(0, PAGE_SIZE);
    const older = found.length > PAGE_SIZE ? `/dashboard/audit?before=${rows.at(-1)?.id}` : null;
    return show(c, <AuditPage frame={c.get("frame")} rows={rows} older={older} />);
  });
}
