import { type ChannelKind, checkEvents, defaultEventsFor } from "@patina/alerts/channel";
import type { EventKind } from "@patina/alerts/event";
import type { Actor } from "@patina/catalog/audit";
import type { Catalog } from "@patina/catalog/catalog";
import {
  type ChannelView,
  findChannel,
  changeChannel as writeChange,
  addChannel as writeChannel,
} from "@patina/catalog/channels";
import { PatinaError } from "@patina/core/error";
import type { Channels, NewAddress, SealAnswer } from "@patina/worker/channels";

/** What changing channels needs of the world. */
export interface ChannelContext {
  readonly catalog: Catalog;
  /** The aggregator's entrypoint: the only one that can encrypt, and the only one that can read. */
  readonly channels: Channels;
  readonly clock: () => number;
  readonly actor: Actor;
}

export interface NewChannel {
  readonly id: string;
  readonly kind: ChannelKind;
  readonly url: string;
  /** Failures and recovery unless said otherwise. */
  readonly events?: readonly EventKind[];
  readonly enabled?: boolean;
}

export interface SavedChannel {
  readonly channel: ChannelView;
  /** Of a generic webhook with a new address: the key that its messages are signed with. It is shown this once. */
  readonly signingKey: string | null;
}

/**
 * Adds a channel. Its address is checked and encrypted by the aggregator and never shown again.
 *
 * @throws {PatinaError} `invalid_request` for an address or an event it cannot have, `conflict` when the name is taken,
 * `alert_key_missing` when the aggregator has no ALERT_KEY
 */
export async function addChannel(wanted: NewChannel, { channels, ...context }: ChannelContext): Promise<SavedChannel> {
  const { id, kind, url, events = defaultEventsFor(kind), enabled = true } = wanted;
  checkEvents(kind, events);
  const { signingKey, ...address } = await sealed({ channel: id, kind, url }, channels);
  const channel = { id, kind, enabled, events };
  const saved = await writeChannel(context.catalog, { channel, address, actor: context.actor, now: context.clock() });
  return { channel: saved, signingKey };
}

/** What may be changed of a channel; what is left out stays. */
export interface WantedChange {
  readonly url?: string;
  readonly events?: readonly EventKind[];
  readonly enabled?: boolean;
}

/**
 * Changes a channel. A new address of a generic webhook comes with a new signing key.
 *
 * @throws {PatinaError} as addChannel() does, and `not_found`
 */
export async function changeChannel(
  id: string,
  { change, channels, ...context }: ChannelContext & { readonly change: WantedChange },
): Promise<SavedChannel> {
  const { url, events, enabled } = change;
  const known = await findChannel(context.catalog, id);
  if (known === undefined) throw new PatinaError("not_found", "Cannot find this channel");
  if (events !== undefined) checkEvents(known.kind, events);
  const seal = url === undefined ? null : await sealed({ channel: id, kind: known.kind, url }, channels);
  const channel = await writeChange(context.catalog, {
    id,
    change: {
      ...(events === undefined ? {} : { events }),
      ...(enabled === undefined ? {} : { enabled }),
      ...(seal === null ? {} : { address: seal }),
    },
    actor: context.actor,
    now: context.clock(),
  });
  return { channel, signingKey: seal?.signingKey ?? null };
}

/**
 * Sends a test message to a channel, now and once.
 *
 * @returns null when it arrived, or else why it did not
 * @throws {PatinaError} `not_found`
 */
export async function testChannel(id: string, { channels, actor }: ChannelContext): Promise<string | null> {
  const answer = await channels.sendTest({ channel: id, actor });
  if (answer.end === "unknown") throw new PatinaError("not_found", "Cannot find this channel");
  return answer.end === "sent" ? null : answer.reason;
}

async function sealed(address: NewAddress, channels: Channels): Promise<Extract<SealAnswer, { end: "sealed" }>> {
  const answer = await channels.seal(address);
  if (answer.end === "refused") throw new PatinaError(answer.code, answer.message);
  return answer;
}
