import * as v from "valibot";

/** The parts of `GET /jobs/:id` that the command shows. */
const Task = v.object({
  database: v.string(),
  state: v.picklist(["queued", "running", "done", "failed"]),
  attempt: v.number(),
  error: v.nullable(v.object({ code: v.string(), message: v.nullable(v.string()), next: v.nullable(v.string()) })),
  result: v.nullable(
    v.object({
      key: v.string(),
      consistency: v.string(),
      tables: v.number(),
      rows: v.number(),
      raw_bytes: v.number(),
      stored_bytes: v.number(),
      duration_ms: v.number(),
      stored_digest: v.string(),
      warnings: v.array(v.string()),
    }),
  ),
});
export type TaskView = v.InferOutput<typeof Task>;

export const JobView = v.object({
  id: v.string(),
  status: v.picklist(["running", "completed", "failed"]),
  started_at: v.string(),
  finished_at: v.nullable(v.string()),
  databases: v.number(),
  succeeded: v.number(),
  failed: v.number(),
  rows: v.number(),
  raw_bytes: v.number(),
  stored_bytes: v.number(),
  tasks: v.array(Task),
});
export type JobView = v.InferOutput<typeof JobView>;
