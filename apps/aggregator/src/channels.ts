import type { Channel } from "@patina/catalog/outbox";

/** The URLs of the channels that the Worker's secrets name, by the name of the secret. */
export type Channels = Readonly<Partial<Record<ChannelSecret, string>>>;

const CHANNELS = [
  {
    id: "discord",
    kind: "discord",
    secret: "DISCORD_WEBHOOK_URL",
    events: ["job-failed", "job-slow"],
  },
  {
    id: "webhook",
    kind: "webhook",
    secret: "ALERT_WEBHOOK_URL",
    events: ["job-completed", "job-failed", "job-slow"],
  },
] as const satisfies readonly Pick<Channel, "id" | "kind" | "secret" | "events">[];

type ChannelSecret = (typeof CHANNELS)[number]["secret"];

/** Takes the channels' secrets out of the Worker's environment. */
export function channelsOf(env: Partial<Record<ChannelSecret, string>>): Channels {
  const found: Partial<Record<ChannelSecret, string>> = {};
  for (const { secret } of CHANNELS) {
    const url = env[secret];
    if (url !== undefined && url !== "") found[secret] = url;
  }
  return found;
}

/** The channels that have a URL, with the events each gets unless its owner says otherwise. */
export function knownChannels(channels: Channels) {
  return CHANNELS.filter(({ secret }) => channels[secret] !== undefined);
}

/** The URL of a channel, or null when its secret is not set. */
export function channelUrl(channel: Channel, channels: Channels): string | null {
  const known = CHANNELS.find(({ secret }) => secret === channel.secret);
  return known === undefined ? null : (channels[known.secret] ?? null);
}
