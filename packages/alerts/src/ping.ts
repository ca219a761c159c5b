import type { AlertEvent, EventKind } from "./event.ts";
import type { Report } from "./report.ts";
import { wordsOf } from "./words.ts";

/** What a ping says of an event, as the end of its URL (healthchecks.io/docs/http_api). */
const SIGNALS = {
  "job-started": "/start",
  "job-completed": "",
  "job-failed": "/fail",
  "run-missed": "/fail",
} as const satisfies Partial<Record<EventKind, string>>;

/** What a channel of this kind can be told: it keeps watch over the nightly run, and everything else is for others. */
export const PING_EVENTS = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[];

/**
 * The address that a ping goes to: `/start`, nothing for success, `/fail`, and `/log` for a test, which changes no state.
 * Start and end of one job have the same `rid`, so that the service can tell how long it took.
 */
export async function pingUrl(url: string, { event }: Pick<Report, "event">): Promise<string> {
  const pinged = new URL(url);
  pinged.pathname = `${pinged.pathname.replace(/\/+$/, "")}${signalOf(event.kind)}`;
  if ("job" in event && event.job !== null) pinged.searchParams.set("rid", await runId(event.job));
  return pinged.href;
}

function signalOf(kind: AlertEvent["kind"]): string {
  return Object.hasOwn(SIGNALS, kind) ? SIGNALS[kind as keyof typeof SIGNALS] : "/log";
}

/** A job's id as the UUID that a run's id has to be: always the same for the same job (RFC 9562, version 8). */
async function runId(job: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(job)));
  const hex = Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const variant = ((digest[8] ?? 0) & 0x3f) | 0x80;
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant.toString(16)}${hex.slice(18, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/** What a ping carries: a few lines for the service's log. */
export function pingBody(report: Report): string {
  const { headline, detail } = wordsOf(report);
  return `${headline}\n${detail}\nPatina, ${report.environment}, ${report.id}\n`;
}
