import { type Answer, readAnswer } from "@patina/alerts/answer";
import { checkChannelUrl } from "@patina/alerts/channel-url";
import type { Report } from "@patina/alerts/report";
import { type AlertRequest, requestOf } from "@patina/alerts/request";
import { isSigningKey } from "@patina/alerts/signature";
import { readReport } from "@patina/catalog/alert-report";
import type { Catalog } from "@patina/catalog/catalog";
import type { Channel } from "@patina/catalog/channels";
import { type AlertRef, claimAlert, type Delivery, endDelivery } from "@patina/catalog/outbox";
import { MINUTE, SECOND } from "@patina/core/date";
import { PatinaError, toPatinaError } from "@patina/core/error";
import { backoffSeconds, DONE, MAX_DELAY_SECONDS, type Outcome } from "@patina/core/outcome";
import type { Log } from "@patina/worker/log";
import { type AlertSecrets, addressOf } from "./secrets.ts";

export interface AlertContext {
  readonly catalog: Catalog;
  readonly secrets: AlertSecrets;
  readonly environment: string;
  /** Where the dashboard is, such as `https://patina.example`; null when nobody has said. */
  readonly home: string | null;
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
  if (!delivery.channel.enabled && delivery.alert.kind !== "channel-test") {
    const end = { state: "given_up", error: "The channel was switched off before it was sent" } as const;
    await endDelivery(catalog, { ref, end, now: clock() });
    return DONE;
  }
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

async function send({ alert, channel }: Delivery, context: AlertContext): Promise<Answer> {
  const { catalog, environment, home, clock } = context;
  const report = await readReport(catalog, { id: alert.event, environment, home, now: clock() });
  if (report === null) return { end: "refused", reason: "what it tells of is no longer in the catalog" };
  const request = await requestFor(channel, { ...context, report });
  return typeof request === "string" ? { end: "refused", reason: request } : await ask(request, context.fetch);
}

/** The request for a channel, or why there can be none. */
async function requestFor(
  channel: Channel,
  { secrets, environment, report }: AlertContext & { report: Report },
): Promise<AlertRequest | string> {
  const { kind } = channel;
  try {
    const address = await addressOf(channel, secrets);
    if (typeof address === "string") return address;
    const { url, signingKey } = address;
    if (signingKey !== null && !isSigningKey(signingKey)) return "its signing key is none";
    checkChannelUrl(url, { kind, environment });
    return await requestOf(report, { kind, url, signingKey });
  } catch (thrown) {
    const error = toPatinaError(thrown);
    if (error.code === "internal") throw error;
    return error.message;
  }
}

async function ask({ url, headers, body }: AlertRequest, request: typeof fetch): Promise<Answer> {
  try {
    const response = await request(url, {
      method: "POST",
      headers: { ...headers, "user-agent": "Patina" },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    return readAnswer(response.status, {
      retryAfter: response.headers.get("retry-after"),
      body: await bodyOf(response),
    });
  } catch (error) {
    // The message of a failed fetch may quote the URL, which is a secret: only its kind is kept.
    const reason = error instanceof Error && error.name === "TimeoutError" ? "no answer within 10 s" : "no connection";
    return { end: "later", afterSeconds: null, reason };
  }
}

/** What a server has to say beside its status, which stands however its body ends: an accepted alert is not sent again. */
async function bodyOf(response: Response): Promise<string> {
  try {
    if (response.status === 429) return await beginning(response);
    await response.body?.cancel();
  } catch {
    // A body that stalls or breaks off says nothing.
  }
  return "";
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
