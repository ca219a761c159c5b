import { WorkerEntrypoint } from "cloudflare:workers";
import { checkChannelUrl } from "@patina/alerts/channel-url";
import { newSigningKey } from "@patina/alerts/signature";
import { endDelivery, raiseTest } from "@patina/catalog/outbox";
import { toPatinaError } from "@patina/core/error";
import type { ChannelTest, Home, NewAddress, Channels as Port, SealAnswer, TestAnswer } from "@patina/worker/channels";
import { type AlertContext, deliverAlert } from "./alerts.ts";
import { type AggregatorEnv, alertContext } from "./context.ts";
import { homeOf } from "./home.ts";
import { isAlertKey, seal } from "./seal.ts";

/** What the dispatcher may ask about channels. See packages/worker/src/channels.ts. */
export class Channels extends WorkerEntrypoint<AggregatorEnv> implements Port {
  async seal(address: NewAddress): Promise<SealAnswer> {
    return await sealAddress(address, { environment: this.env.ENVIRONMENT, key: this.env.ALERT_KEY });
  }

  async sendTest(test: ChannelTest): Promise<TestAnswer> {
    return await testChannel(test, await alertContext(this.env));
  }

  async hasAlertKey(): Promise<boolean> {
    return isAlertKey(this.env.ALERT_KEY);
  }

  async home(): Promise<Home> {
    return homeOf(this.env.PUBLIC_URL);
  }
}

/** Checks and encrypts the address of a channel. A generic webhook gets a new signing key with every new address. */
export async function sealAddress(
  { channel, kind, url }: NewAddress,
  { environment, key }: { environment: string; key: string | undefined },
): Promise<SealAnswer> {
  try {
    const { host } = checkChannelUrl(url, { kind, environment });
    const signingKey = kind === "webhook" ? newSigningKey((bytes) => crypto.getRandomValues(bytes)) : null;
    return { end: "sealed", sealed: await seal({ url, signingKey }, { channel, key }), host, signingKey };
  } catch (thrown) {
    const { code, message } = toPatinaError(thrown);
    return { end: "refused", code, message };
  }
}

/** Sends a test message, once: whoever pressed the button presses it again. */
export async function testChannel({ channel, actor }: ChannelTest, context: AlertContext): Promise<TestAnswer> {
  const { catalog, clock } = context;
  const ref = await raiseTest(catalog, { channel, test: crypto.randomUUID(), actor, now: clock() });
  if (ref === null) return { end: "unknown" };
  const outcome = await deliverAlert(ref, { ...context, attempts: 1 });
  if (outcome.end === "done") return { end: "sent" };
  const reason = "error" in outcome ? outcome.error.message : "Cannot send alert";
  await endDelivery(catalog, { ref, end: { state: "given_up", error: reason }, now: clock() });
  return { end: "failed", reason };
}
