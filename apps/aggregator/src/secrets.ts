import type { ChannelKind } from "@patina/alerts/channel";
import { DEFAULT_EVENTS, type EventKind } from "@patina/alerts/event";
import { type ChannelSecret, unseal } from "./seal.ts";

/** The aggregator's secrets, each optional: `wrangler secret put NAME --config apps/aggregator/wrangler.toml`. */
export interface AlertSecrets {
  /** Addresses of channels that need no API to be added: a Discord channel's webhook, and any that takes JSON. */
  readonly DISCORD_WEBHOOK_URL?: string;
  readonly ALERT_WEBHOOK_URL?: string;
  /** Signs what ALERT_WEBHOOK_URL is sent: `whsec_` and 24 to 64 bytes as base64. */
  readonly ALERT_WEBHOOK_KEY?: string;
  /** Encrypts the addresses of all other channels: 32 bytes as base64. */
  readonly ALERT_KEY?: string;
}

interface NamedChannel {
  readonly id: string;
  readonly kind: ChannelKind;
  readonly secret: "DISCORD_WEBHOOK_URL" | "ALERT_WEBHOOK_URL";
  readonly events: readonly EventKind[];
}

const NAMED: readonly NamedChannel[] = [
  { id: "discord", kind: "discord", secret: "DISCORD_WEBHOOK_URL", events: DEFAULT_EVENTS },
  // A program reads it, which wants to know of every job.
  {
    id: "webhook",
    kind: "webhook",
    secret: "ALERT_WEBHOOK_URL",
    events: [...DEFAULT_EVENTS, "job-completed", "job-slow"],
  },
];

/** The channels whose address is a secret that is set, with the events each gets unless its owner says otherwise. */
export function namedChannels(secrets: AlertSecrets): NamedChannel[] {
  return NAMED.filter(({ secret }) => (secrets[secret] ?? "") !== "");
}

/** What a stored channel holds of its address: the name of a secret, or ciphertext. */
export interface StoredAddress {
  readonly id: string;
  readonly secret: string | null;
  readonly urlCiphertext: Uint8Array | null;
}

/**
 * The address of a channel, and the key its messages are signed with.
 *
 * @returns a text for people when it cannot be had
 * @throws {PatinaError} `alert_key_missing` when the address is encrypted and ALERT_KEY is not a key
 */
export async function addressOf(
  { id, secret, urlCiphertext }: StoredAddress,
  secrets: AlertSecrets,
): Promise<ChannelSecret | string> {
  if (secret !== null) {
    const url = NAMED.some((known) => known.secret === secret) ? secrets[secret as NamedChannel["secret"]] : undefined;
    if (url === undefined || url === "") return `secret ${secret} is not set`;
    return { url, signingKey: secret === "ALERT_WEBHOOK_URL" ? (secrets.ALERT_WEBHOOK_KEY ?? null) : null };
  }
  const opened = urlCiphertext === null ? null : await unseal(urlCiphertext, { channel: id, key: secrets.ALERT_KEY });
  return opened ?? "its address cannot be read with this ALERT_KEY; enter it again";
}
