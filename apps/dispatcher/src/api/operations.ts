import type { Operation } from "./operation.ts";
import { documents } from "./routes/documents.ts";
import { jobs } from "./routes/jobs.ts";
import { health, root } from "./routes/root.ts";
import { status } from "./routes/status.ts";
import { trigger } from "./routes/trigger.ts";

/** What anybody may ask. */
export const OPEN: readonly Operation[] = [root, health];

/** What is for those with a token, or let in by Cloudflare Access. */
export const OPERATIONS: readonly Operation[] = [
  status,
  ...jobs,
  trigger,
  ...documents(() => [...OPEN, ...OPERATIONS]),
];
