import { type ChannelKind, eventsFor } from "@patina/alerts/channel";
import { EVENTS, type EventKind } from "@patina/alerts/event";
import type { Thresholds } from "@patina/alerts/thresholds";
import type { ChannelView, DeliveryRow } from "@patina/catalog/channels";
import { count } from "@patina/core/wording";
import { ChannelForm, EventBoxes, ThresholdsForm } from "./channel-forms.tsx";
import { Glyph, StateChip } from "./glyph.tsx";
import { Moment } from "./moment.tsx";
import { type Frame, Page } from "./page.tsx";
import { type Said, SaidBox } from "./said.tsx";

export interface AlertsFacts {
  readonly frame: Frame;
  readonly channels: readonly ChannelView[];
  /** The newest, of all channels. */
  readonly deliveries: readonly DeliveryRow[];
  readonly thresholds: Thresholds;
  readonly said: Said | null;
}

/** Where alerts go, what became of them, and what counts as one. */
export function AlertsPage({ frame, channels, deliveries, thresholds, said }: AlertsFacts) {
  const isAdmin = frame.principal.role === "admin";
  const { isWell, sentence } = stateOf(channels, deliveries);
  return (
    <Page title="Alerts" frame={frame} section="alerts">
      <section class="hero" aria-label="State of the channels">
        <Glyph {...(isWell ? { sign: "check", tone: "good" } : { sign: "cross", tone: "bad" })} />
        <h1>{sentence}</h1>
        <p>A channel is told of failures and recovery unless it is set otherwise. Addresses are never shown again.</p>
      </section>
      {said !== null && <SaidBox {...said} />}
      <section class="panel" aria-label="Channels">
        <header>
          <h2>Channels</h2>
        </header>
        {channels.length === 0 ? (
          <p class="empty">There is no channel yet: a failure shows here, and nobody is told of it.</p>
        ) : (
          <Channels channels={channels} deliveries={deliveries} frame={frame} />
        )}
      </section>
      {isAdmin && (
        <div class="columns">
          <ChannelForm />
          <ThresholdsForm thresholds={thresholds} />
        </div>
      )}
      <Deliveries deliveries={deliveries} frame={frame} />
    </Page>
  );
}

function stateOf(
  channels: readonly ChannelView[],
  deliveries: readonly DeliveryRow[],
): { isWell: boolean; sentence: string } {
  const on = channels.filter(({ enabled }) => enabled);
  if (on.length === 0) return { isWell: false, sentence: "Nobody is told when a backup fails" };
  const failing = on.filter(({ id }) => deliveries.find(({ channel }) => channel === id)?.state === "given_up");
  if (failing.length > 0) {
    return { isWell: false, sentence: `The last alert did not reach ${failing.map(({ id }) => id).join(", ")}` };
  }
  const are = on.length === 1 ? "channel is" : "channels are";
  return { isWell: true, sentence: `${count(on.length)} ${are} told when a backup fails` };
}

const KIND_WORDS: Record<ChannelKind, string> = {
  discord: "Discord",
  slack: "Slack",
  webhook: "JSON webhook",
  ping: "Ping",
};

interface ChannelsFacts {
  readonly channels: readonly ChannelView[];
  readonly deliveries: readonly DeliveryRow[];
  readonly frame: Frame;
}

function Channels({ channels, deliveries, frame }: ChannelsFacts) {
  return (
    <div class="scroll">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Channel</th>
            <th scope="col">State</th>
            <th scope="col">Address</th>
            <th scope="col">Told of</th>
            <th scope="col">Last alert</th>
            <th scope="col">Do</th>
          </tr>
        </thead>
        <tbody>
          {channels.map((channel) => (
            <ChannelRow
              channel={channel}
              last={deliveries.find((delivery) => delivery.channel === channel.id) ?? null}
              frame={frame}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ChannelRow({ channel, last, frame }: { channel: ChannelView; last: DeliveryRow | null; frame: Frame }) {
  const { id, kind, enabled, host, secret, events } = channel;
  const isAdmin = frame.principal.role === "admin";
  return (
    <tr>
      <td class="name">
        <strong class="mono">{id}</strong>
        <small>{KIND_WORDS[kind]}</small>
      </td>
      <td class="state">
        <StateChip state={enabled ? "on" : "off"} />
      </td>
      <td data-label="Address" class="wrap">
        {host ?? (
          <>
            <code>{secret}</code> <small>of the aggregator</small>
          </>
        )}
      </td>
      <td data-label="Told of">
        <details>
          <summary>{toldOf(kind, events)}</summary>
          {isAdmin ? (
            <form class="boxes" method="post" action={`/dashboard/alerts/${id}/events`}>
              <EventBoxes kind={kind} chosen={events} />
              <button type="submit">Save</button>
            </form>
          ) : (
            <ul>
              {events.map((event) => (
                <li>{EVENTS[event].about}</li>
              ))}
            </ul>
          )}
        </details>
      </td>
      <td data-label="Last alert">{last === null ? "none yet" : <Outcome delivery={last} frame={frame} />}</td>
      <td class="wide">{isAdmin && <ChannelActions channel={channel} />}</td>
    </tr>
  );
}

function toldOf(kind: ChannelKind, events: readonly EventKind[]): string {
  const all = eventsFor(kind).length;
  return events.length === all ? "everything" : `${count(events.length)} of ${count(all)} events`;
}

function Outcome({ delivery: { state, sentAt, createdAt }, frame }: { delivery: DeliveryRow; frame: Frame }) {
  return (
    <span class="nowrap">
      <StateChip state={DELIVERY_WORDS[state]} /> <Moment at={sentAt ?? createdAt} now={frame.now} />
    </span>
  );
}

const DELIVERY_WORDS: Record<DeliveryRow["state"], string> = {
  pending: "waiting",
  sending: "sending",
  sent: "sent",
  given_up: "given up",
};

function ChannelActions({ channel: { id, enabled, secret } }: { channel: ChannelView }) {
  return (
    <div class="actions">
      <form method="post" action={`/dashboard/alerts/${id}/test`}>
        <button type="submit" aria-label={`Send a test to ${id}`}>
          Test
        </button>
      </form>
      <form method="post" action={`/dashboard/alerts/${id}/${enabled ? "off" : "on"}`}>
        <button type="submit" aria-label={`Switch ${enabled ? "off" : "on"} ${id}`}>
          Switch {enabled ? "off" : "on"}
        </button>
      </form>
      {secret === null && (
        <form method="post" action={`/dashboard/alerts/${id}/remove`}>
          <button class="danger" type="submit" aria-label={`Remove ${id}`}>
            Remove
          </button>
        </form>
      )}
    </div>
  );
}

function Deliveries({ deliveries, frame }: { deliveries: readonly DeliveryRow[]; frame: Frame }) {
  return (
    <section class="panel" aria-label="Deliveries">
      <header>
        <h2>What became of the last alerts</h2>
      </header>
      {deliveries.length === 0 ? (
        <p class="empty">No alert has been due for a channel yet. Its button Test sends one.</p>
      ) : (
        <div class="scroll">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">Event</th>
                <th scope="col">State</th>
                <th scope="col">Channel</th>
                <th scope="col" class="num">
                  Attempts
                </th>
                <th scope="col">When</th>
                <th scope="col">Error</th>
              </tr>
            </thead>
            <tbody>
              {deliveries.map((delivery) => (
                <tr>
                  <td class="name">
                    <strong>{delivery.kind}</strong>
                    <small>{delivery.database ?? delivery.jobId ?? ""}</small>
                  </td>
                  <td class="state">
                    <StateChip state={DELIVERY_WORDS[delivery.state]} />
                  </td>
                  <td data-label="Channel" class="mono">
                    {delivery.channel}
                  </td>
                  <td data-label="Attempts" class="num">
                    {count(delivery.attempts)}
                  </td>
                  <td data-label="When">
                    <Moment at={delivery.sentAt ?? delivery.createdAt} now={frame.now} />
                  </td>
                  <td class="wide wrap soft">{delivery.state === "sent" ? "" : (delivery.error ?? "")}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
