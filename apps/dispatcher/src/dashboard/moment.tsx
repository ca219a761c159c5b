import { duration, roughly } from "@patina/core/wording";

/** `2026-11-20 03:00:12 UTC` */
export function utc(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A moment as people say it, with the exact time in UTC on hover. The script keeps the words up to date. */
export function Moment({ at, now }: { at: number; now: number }) {
  const isAhead = at > now;
  const words = isAhead ? `in ${duration(at - now)}` : now - at < 1_000 ? "just now" : `${roughly(now - at)} ago`;
  return (
    <time class="nowrap" datetime={new Date(at).toISOString()} title={utc(at)} data-moment={isAhead ? "ahead" : "past"}>
      {words}
    </time>
  );
}
