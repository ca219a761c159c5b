import { DEFAULT_DUMPS, DEFAULT_WEEKLY_WEEKS, type DumpPolicy } from "./retention-policy.ts";

/** How stored backups are looked after. */
export interface CustodySettings {
  /** For every database that has no retention of its own. */
  readonly dumps: DumpPolicy;
  /** Weeks that a weekly archive is kept. */
  readonly weeklyWeeks: number;
  /** Bytes that one scheduled verification may read. */
  readonly verifyBytes: number;
  /** Rows that drills may write in a calendar month. */
  readonly drillRows: number;
}

/**
 * What holds as long as nobody has set anything. Reading 50 GB takes some ten minutes of an invocation; rows written are
 * billed beyond the 50 million a month that the paid plan includes
 * (developers.cloudflare.com/durable-objects/platform/pricing).
 */
export const DEFAULT_CUSTODY: CustodySettings = {
  dumps: DEFAULT_DUMPS,
  weeklyWeeks: DEFAULT_WEEKLY_WEEKS,
  verifyBytes: 50_000_000_000,
  drillRows: 20_000_000,
};
