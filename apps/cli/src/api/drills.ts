import { VERDICTS } from "@patina/core/drill";
import * as v from "valibot";
import type { ApiClient } from "./client.ts";

/** One drill on the server, as the API shows it. */
export const DrillView = v.object({
  id: v.string(),
  database: v.string(),
  date: v.nullable(v.string()),
  state: v.picklist(["queued", "running", "done"]),
  verdict: v.nullable(v.picklist(VERDICTS)),
  reason: v.nullable(v.string()),
  rows: v.nullable(v.number()),
  rows_written: v.number(),
  restore_ms: v.nullable(v.number()),
  created_at: v.string(),
  finished_at: v.nullable(v.string()),
  checks: v.optional(
    v.array(v.object({ name: v.string(), end: v.picklist(VERDICTS), findings: v.array(v.string()) })),
    [],
  ),
});
export type DrillView = v.InferOutput<typeof DrillView>;

const Opened = v.object({
  opened: v.number(),
  drills: v.array(DrillView),
  already_running: v.array(v.object({ database: v.string(), drill: v.string() })),
  without_backup: v.array(v.string()),
});

/** Asks the server to drill the newest backup of a database or that of a date; of all databases without one. */
export async function startDrills(api: ApiClient, what: { database?: string; date?: string }) {
  return await api.send("POST", "/drills", { body: what, schema: Opened });
}

export async function drillOf(api: ApiClient, id: string): Promise<DrillView> {
  return await api.get(`/drills/${encodeURIComponent(id)}`, DrillView);
}
