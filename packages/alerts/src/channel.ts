import { PatinaError } from "@patina/core/error";
import { isDatabaseName } from "@patina/core/job";
import { DEFAULT_EVENTS, EVENT_KINDS, type EventKind } from "./event.ts";
import { PING_EVENTS } from "./ping.ts";

export const CHANNEL_KINDS = ["discord", "slack", "webhook", "ping"] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];

/** What a channel of a kind can be told. */
export function eventsFor(kind: ChannelKind): readonly EventKind[] {
  return kind === "ping" ? PING_EVENTS : EVENT_KINDS;
}

/** What a new channel is told unless its owner says otherwise. */
export function defaultEventsFor(kind: ChannelKind): readonly EventKind[] {
  return kind === "ping" ? PING_EVENTS : DEFAULT_EVENTS;
}

/**
 * Checks what somebody wants a channel to be told.
 *
 * @throws {PatinaError} `invalid_request` when a channel of this kind cannot be told one of them
 */
export function checkEvents(kind: ChannelKind, events: readonly EventKind[]): void {
  if (events.every((event) => eventsFor(kind).includes(event))) return;
  throw new PatinaError(
    "invalid_request",
    `Cannot tell a ${kind} of these events: it takes ${eventsFor(kind).join(", ")}`,
  );
}

/** A channel's id is a name like a database's: it stands in paths and messages. */
export const isChannelId = isDatabaseName;
