import type { ChannelKind } from "./channel.ts";
import { discordMessage } from "./discord.ts";
import { pingBody, pingUrl } from "./ping.ts";
import type { Report } from "./report.ts";
import { signatureHeaders } from "./signature.ts";
import { slackMessage } from "./slack.ts";
import { webhookPayload } from "./webhook.ts";

/** Where an alert goes. Both texts are secrets. */
export interface Target {
  readonly kind: ChannelKind;
  readonly url: string;
  /** Only a generic webhook's messages are signed. */
  readonly signingKey: string | null;
}

/** The HTTP request that tells a channel of an event. */
export interface AlertRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export async function requestOf(report: Report, { kind, url, signingKey }: Target): Promise<AlertRequest> {
  switch (kind) {
    case "discord":
      return { url, headers: JSON_HEADERS, body: JSON.stringify(discordMessage(report)) };
    case "slack":
      return { url, headers: JSON_HEADERS, body: JSON.stringify(slackMessage(report)) };
    case "webhook": {
      const body = JSON.stringify(webhookPayload(report));
      const signature =
        signingKey === null ? {} : await signatureHeaders({ id: report.id, body }, { key: signingKey, at: report.now });
      return { url, headers: { ...JSON_HEADERS, ...signature }, body };
    }
    case "ping":
      return { url: await pingUrl(url, report), headers: { "content-type": "text/plain" }, body: pingBody(report) };
  }
}

const JSON_HEADERS = { "content-type": "application/json" };
