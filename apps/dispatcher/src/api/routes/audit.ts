import { type AuditRow, listAudit } from "@patina/catalog/audit";
import { timestamp } from "@patina/core/date";
import * as v from "valibot";
import { Time } from "../fields.ts";
import { operation } from "../operation.ts";
import { PAGE, pageOf, pageSize, paging } from "../page.ts";

export const AuditLine = v.strictObject({
  at: Time,
  actor: v.pipe(v.string(), v.description("Which token, or whom Cloudflare Access vouched for.")),
  action: v.string(),
  subject: v.string(),
  detail: v.nullable(v.record(v.string(), v.unknown())),
  request_id: v.nullable(v.string()),
});

export const audit = operation({
  method: "GET",
  path: "/audit",
  tag: "Service",
  summary: "Who changed or downloaded what, the newest first",
  query: paging(v.strictTuple([v.number()])),
  answer: v.strictObject({ lines: v.array(AuditLine), ...PAGE }),
  async handle(c, { query: { limit: asked, cursor } }) {
    const { limit, read } = pageSize(asked);
    const before = cursor === undefined ? {} : { before: cursor[0] };
    const found = await listAudit(c.get("context").catalog, { limit: read, ...before });
    const page = pageOf(found, { limit, placeOf: (last) => [last.id] });
    return { lines: page.entries.map(lineView), next_cursor: page.next_cursor };
  },
});

function lineView({ at, actor, action, subject, detail, request }: AuditRow): v.InferOutput<typeof AuditLine> {
  return { at: timestamp(at), actor, action, subject, detail, request_id: request };
}
