import { CHANNEL_KINDS, isChannelId } from "@patina/alerts/channel";
import { EVENT_KINDS } from "@patina/alerts/event";
import { type ChannelView, findChannel, listChannels, listDeliveries, removeChannel } from "@patina/catalog/channels";
import { timestamp } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { DATABASE_NAME_RULE } from "@patina/core/job";
import type { Context } from "hono";
import * as v from "valibot";
import { addChannel, type ChannelContext, changeChannel, testChannel } from "../../channels.ts";
import type { Api } from "../app.ts";
import { Count, Time } from "../fields.ts";
import { operation } from "../operation.ts";

/** Deliveries that a page has at most. */
const PAGE = 50;

const ChannelId = v.pipe(
  v.string(),
  v.check(isChannelId, DATABASE_NAME_RULE),
  v.description(`A channel's name: ${DATABASE_NAME_RULE}.`),
);

const Kind = v.picklist(CHANNEL_KINDS);
const Events = v.pipe(v.array(v.picklist(EVENT_KINDS)), v.maxLength(EVENT_KINDS.length));
const Address = v.pipe(
  v.string(),
  v.maxLength(2_000),
  v.description("Encrypted when it is saved, and never shown again."),
);

const Channel = v.strictObject({
  id: v.string(),
  kind: Kind,
  enabled: v.boolean(),
  events: v.array(v.string()),
  host: v.pipe(v.nullable(v.string()), v.description("The host of its address, all that is shown of it.")),
  secret: v.pipe(v.nullable(v.string()), v.description("The aggregator's secret that holds its address, if one does.")),
  created_at: Time,
  updated_at: Time,
});

const Saved = v.strictObject({
  channel: Channel,
  signing_key: v.pipe(
    v.nullable(v.string()),
    v.description("Of a webhook with a new address: what its messages are signed with. Shown this once."),
  ),
});

const Delivery = v.strictObject({
  event: v.string(),
  kind: v.string(),
  channel: v.string(),
  state: v.picklist(["pending", "sending", "sent", "given_up"]),
  attempts: Count,
  created_at: Time,
  sent_at: v.nullable(Time),
  error: v.nullable(v.string()),
});

const list = operation({
  method: "GET",
  path: "/alerts",
  tag: "Alerts",
  summary: "The channels that alerts go to",
  answer: v.strictObject({ channels: v.array(Channel) }),
  async handle(c) {
    return { channels: (await listChannels(c.get("context").catalog)).map(channelView) };
  },
});

const add = operation({
  method: "POST",
  path: "/alerts",
  tag: "Alerts",
  summary: "Add a channel",
  body: { id: ChannelId, kind: Kind, url: Address, events: v.optional(Events), enabled: v.optional(v.boolean()) },
  status: 201,
  answer: Saved,
  shownOnce: ["signing_key"],
  problems: ["conflict", "alert_key_missing"],
  async handle(c, { body: { id, kind, url, events, enabled } }) {
    const wanted = {
      id,
      kind,
      url,
      ...(events === undefined ? {} : { events }),
      ...(enabled === undefined ? {} : { enabled }),
    };
    const { channel, signingKey } = await addChannel(wanted, contextOf(c));
    return { channel: channelView(channel), signing_key: signingKey };
  },
});

const change = operation({
  method: "PATCH",
  path: "/alerts/:id",
  tag: "Alerts",
  summary: "Change a channel: its address, its events, whether it is on",
  params: { id: ChannelId },
  body: { url: v.optional(Address), events: v.optional(Events), enabled: v.optional(v.boolean()) },
  answer: Saved,
  problems: ["not_found", "conflict", "alert_key_missing"],
  async handle(c, { params: { id }, body: { url, events, enabled } }) {
    const wanted = {
      ...(url === undefined ? {} : { url }),
      ...(events === undefined ? {} : { events }),
      ...(enabled === undefined ? {} : { enabled }),
    };
    const { channel, signingKey } = await changeChannel(id, { ...contextOf(c), change: wanted });
    return { channel: channelView(channel), signing_key: signingKey };
  },
});

const remove = operation({
  method: "DELETE",
  path: "/alerts/:id",
  tag: "Alerts",
  summary: "Remove a channel with its deliveries",
  params: { id: ChannelId },
  answer: v.strictObject({ removed: v.string() }),
  problems: ["not_found", "conflict"],
  async handle(c, { params: { id } }) {
    const { catalog, actor, clock } = contextOf(c);
    await removeChannel(catalog, { id, actor, now: clock() });
    return { removed: id };
  },
});

const test = operation({
  method: "POST",
  path: "/alerts/:id/test",
  tag: "Alerts",
  summary: "Send a test message to a channel now",
  params: { id: ChannelId },
  answer: v.strictObject({ sent: v.boolean(), reason: v.nullable(v.string()) }),
  problems: ["not_found"],
  async handle(c, { params: { id } }) {
    const reason = await testChannel(id, contextOf(c));
    return { sent: reason === null, reason };
  },
});

const deliveries = operation({
  method: "GET",
  path: "/alerts/:id/deliveries",
  tag: "Alerts",
  summary: "What became of a channel's alerts, the newest first",
  params: { id: ChannelId },
  query: { before: v.optional(v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.description("`next` of the page before."))) },
  answer: v.strictObject({ deliveries: v.array(Delivery), next: v.nullable(v.string()) }),
  problems: ["not_found"],
  async handle(c, { params: { id }, query: { before } }) {
    const { catalog } = c.get("context");
    if ((await findChannel(catalog, id)) === undefined) throw new PatinaError("not_found", "Cannot find this channel");
    const asked = { channel: id, limit: PAGE + 1, ...(before === undefined ? {} : { before: Number(before) }) };
    const found = await listDeliveries(catalog, asked);
    const shown = found.slice(0, PAGE);
    return {
      deliveries: shown.map(({ event, kind, channel, state, attempts, createdAt, sentAt, error }) => ({
        event,
        kind,
        channel,
        state,
        attempts,
        created_at: timestamp(createdAt),
        sent_at: sentAt === null ? null : timestamp(sentAt),
        error,
      })),
      next: found.length > PAGE ? String(shown.at(-1)?.id) : null,
    };
  },
});

export const alerts = [list, add, change, remove, test, deliveries];

function contextOf(c: Context<Api>): ChannelContext {
  const { catalog, clock } = c.get("context");
  const actor = { name: c.get("principal").name, request: c.get("request") };
  return { catalog, clock, actor, channels: c.env.channels };
}

function channelView({ id, kind, enabled, events, host, secret, createdAt, updatedAt }: ChannelView) {
  return {
    id,
    kind,
    enabled,
    events: [...events],
    host,
    secret,
    created_at: timestamp(createdAt),
    updated_at: timestamp(updatedAt),
  };
}
