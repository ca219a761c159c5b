/** An entry of `GET /retention/preview`: a daily that the next prune would remove. */
export const REMOVED_ENTRY = {
  key: "daily/2026-11-01/shop.sql.gz",
  kind: "daily",
  database: "shop",
  date: "2026-11-01",
  finished_at: "2026-11-01T03:00:05.000Z",
  bytes: 61_000,
  decision: "remove",
  reason: "older than 7 days, and in the archive of its week",
  to_copy_out: 0,
};
