import * as v from "valibot";
import type { ApiClient } from "./client.ts";

/** One verification on the server, as the API shows it. */
export const VerifyRun = v.object({
  id: v.string(),
  database: v.nullable(v.string()),
  date: v.nullable(v.string()),
  state: v.picklist(["running", "done"]),
  total: v.optional(v.nullable(v.number()), null),
  checked: v.number(),
  damaged: v.number(),
  unread: v.optional(v.number(), 0),
  bytes: v.number(),
  started_at: v.string(),
  finished_at: v.nullable(v.string()),
  findings: v.optional(v.array(v.object({ key: v.string(), damage: v.string() })), []),
});
export type VerifyRun = v.InferOutput<typeof VerifyRun>;

/** Asks the server to verify what is stored of a database, of a date, or all of it. */
export async function startVerify(api: ApiClient, what: { database?: string; date?: string }): Promise<VerifyRun> {
  return await api.send("POST", "/verify", { body: what, schema: VerifyRun });
}

export async function verifyRunOf(api: ApiClient, id: string): Promise<VerifyRun> {
  return await api.get(`/verify/${encodeURIComponent(id)}`, VerifyRun);
}
