import { MINUTE } from "./date.ts";

/**
 * Length of a task's lease. A queue consumer may run for 15 minutes of wall time
 * (developers.cloudflare.com/queues/platform/limits), so a lease of 20 cannot run out under a consumer that still lives.
 */
export const TASK_LEASE = 20 * MINUTE;

/** Length of the tick's own lease. A cron that fires at least hourly has 30 s of CPU and 15 min of wall time. */
export const TICK_LEASE = 4 * MINUTE;

/** Length of an alert's delivery lease: one request with its time-out, with room. */
export const DELIVERY_LEASE = 2 * MINUTE;
