import { DEFAULT_DRILL_ROWS } from "./drill-schedule.ts";
import { DEFAULT_DUMPS, DEFAULT_WEEKLY_WEEKS, type DumpPolicy } from "./retention-policy.ts";
import { DEFAULT_VERIFY_BYTES } from "./verification.ts";

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

/** What holds as long as nobody has set anything. */
export const DEFAULT_CUSTODY: CustodySettings = {
  dumps: DEFAULT_DUMPS,
  weeklyWeeks: DEFAULT_WEEKLY_WEEKS,
  verifyBytes: DEFAULT_VERIFY_BYTES,
  drillRows: DEFAULT_DRILL_ROWS,
};
