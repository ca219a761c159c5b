import { type Answer, readAnswer } from "@patina/alerts/answer";
import { discordMessage } from "@patina/alerts/discord";
import type { DatabaseReport, JobReport } from "@patina/alerts/report";
import { webhookPayload } from "@patina/alerts/webhook";
import type { Catalog } from "@patina/catalog/catalog";
import { type JobWithTasks, jobWithTasks } from "@patina/catalog/job-report";
import type { JobTask } from "@patina/catalog/jobs";
import { type Alert, type AlertRef, type Channel, claimAlert, endDelivery } from "@patina/catalog/outbox";
import { MINUTE, SECOND } from "@patina/core/date";
import { ERROR_CODES, isErrorCode, PatinaError } from "@patina/core/error";
import { backoffSeconds, DONE, MAX_DELAY_SECONDS, type Outcome } from "@patina/core/outcome";
import type { Log } from "@patina/worker/log";
import { type Channels, channelUrl } from "./channels.ts";

export interface AlertContext {
  readonly catalog: Catalog;
  readonly channels: Channels;
  readonly environment: string;
  readonly fetch: typeof fetch;
  readonly clock: () => number;
  readonly log: Log;
}

/** A webhook that has not answered by then is tried again later. */
const TIMEOUT = 10 * SECOND;

/** How much of an answer is read: enough for Discord's `retry_after`. */
const ANSWER_BYTES = 4_096;

/** The tick leaves an alert alone for this long after its next attempt is due: the queue has it. */
const RETRY_GRACE = 10 * MINUTE;

/** Sends one alert of the outbox to its channel. Sent twice only when an invocation stops between sending and noting. */
export async function deliverAlert(
  ref: AlertRef,
  { attempts, ...context }: AlertContext & { readonly attempts: number },
): Promise<Outcome> {
  const { catalog, clock, log } = context;
  const delivery = await claimAlert(catalog, { ref, now: clock() });
  if (delivery === null) return DONE;
  const answer = await send(delivery, context);
  switch (answer.end) {
    case "accepted":
      await endDelivery(catalog, { ref, end: { state: "sent" }, now: clock() });
      log.info({ ...ref }, "Alert sent");
      return DONE;
    case "refused": {
      const error = new PatinaError("webhook_refused", `Cannot send alert to "${ref.channel}": ${answer.reason}`);
      await endDelivery(catalog, { ref, end: { state: "given_up", error: error.message }, now: clock() });
      return { end: "dead", error };
    }
    case "later": {
      const error = new PatinaError("webhook_unavailable", `Cannot send alert to "${ref.channel}": ${answer.reason}`);
      const delaySeconds = Math.min(answer.afterSeconds ?? backoffSeconds(attempts), MAX_DELAY_SECONDS);
      const nextAttemptAt = clock() + delaySeconds * SECOND + RETRY_GRACE;
      await endDelivery(catalog, { ref, end: { state: "pending", nextAttemptAt, error: error.message }, now: clock() });
      return { end: "retry", delaySeconds, error };
    }
  }
}

async function send(
  { alert, channel }: { alert: Alert; channel: Channel },
  context: Omit<AlertContext, "attempts">,
): Promise<Answer> {
  const url = channelUrl(channel, context.channels);
  if (url === null) return { end: "refused", reason: `secret ${channel.secret} is not set` };
  if (!isAllowed(url, context.environment)) return { end: "refused", reason: "its URL is not an https address" };
  const report = await reportOf(alert, context);
  if (report === null) return { end: "refused", reason: "its job is no longer in the catalog" };
  const body = channel.kind === "discord" ? discordMessage(report) : webhookPayload(report);
  try {
    const response = await context.fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "Patina" },
      body: JSON.stringify(body),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    return readAnswer(response.status, {
      retryAfter: response.headers.get("retry-after"),
      body: await beginning(response),
    });
  } catch (error) {
    // The message of a failed fetch may quote the URL, which is a secret: only its kind is kept.
    const reason = error instanceof Error && error.name === "TimeoutError" ? "no answer within 10 s" : "no connection";
    return { end: "later", afterSeconds: null, reason };
  }
}

/** https everywhere; the local run may also reach a receiver on this machine. */
function isAllowed(url: string, environment: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || (environment === "local" && protocol === "http:" && hostname === "127.0.0.1");
}

async function beginning(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  for (let size = 0; size < ANSWER_BYTES; ) {
    const { done, value } = await reader.read();
    if (done) return text;
    size += value.length;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text;
}

async function reportOf(
  alert: Alert,
  { catalog, environment, clock }: Pick<AlertContext, "catalog" | "environment" | "clock">,
): Promise<JobReport | null> {
  const { kind } = alert;
  if (alert.jobId === null || (kind !== "job-completed" && kind !== "job-failed" && kind !== "job-slow")) return null;
  const found = await jobWithTasks(catalog, alert.jobId);
  if (found === undefined) return null;
  return {
    event: alert.event,
    kind,
    environment,
    job: found.job,
    databases: found.tasks.map((task) => databaseReport(task, found)),
    now: clock(),
  };
}

function databaseReport({ task, result }: JobTask, { lastGood }: JobWithTasks): DatabaseReport {
  return {
    name: task.database,
    state: result?.status ?? "waiting",
    consistency: result?.consistency ?? null,
    rows: result?.rows ?? null,
    rawBytes: result?.rawBytes ?? null,
    storedBytes: result?.storedBytes ?? null,
    durationMs: result?.durationMs ?? null,
    key: result?.key ?? null,
    warnings: result?.warnings ?? [],
    attempts: task.attempt,
    error: errorOf(result),
    lastGood: lastGood.get(task.database) ?? null,
  };
}

function errorOf(result: JobTask["result"]): DatabaseReport["error"] {
  if (result?.status !== "failed") return null;
  const code = result.errorCode !== null && isErrorCode(result.errorCode) ? result.errorCode : "internal";
  return { code, message: result.error ?? "", next: ERROR_CODES[code].next };
}
