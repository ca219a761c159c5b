import { DAY } from "./date.ts";

/**
 * How long what is known of the past is kept. The dashboard looks back 84 days. What refers to a backup that exists, alone
 * or in an archive, stays as long as that does.
 */
export const AGES = {
  /** Jobs, tasks and their events, results; sent alerts, closed dead letters, verifications, steps of prunes, what is gone. */
  history: 100 * DAY,
  /** The audit log, what people were told of, the calendar of each database, its drills, and the prunes. */
  record: 400 * DAY,
  /** Logins, leases and idempotency keys that have run out. */
  spent: DAY,
  /** Receipts in the bucket. */
  receipt: 400 * DAY,
} as const;

/** What nobody seems to own is left alone for so long: it may be on its way. */
export const ORPHAN_MARGIN = 7 * DAY;
