import { eventId } from "@patina/alerts/event";
import { MINUTE } from "@patina/core/date";
import { DELIVERY_LEASE } from "@patina/core/lease";
import type { AlertDue } from "@patina/messages/message";
import { MAX_BATCH_MESSAGES } from "@patina/messages/queues";
import { and, eq, isNull, lte, or, sql } from "drizzle-orm";
import { type Actor, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import type { Channel } from "./channels.ts";
import { alertConfig, alertOutbox } from "./schema.ts";
import { transaction } from "./transaction.ts";

export type Alert = typeof alertOutbox.$inferSelect;

/** One alert for one channel. */
export interface AlertRef {
  readonly event: string;
  readonly channel: string;
}

function is(alert: AlertRef) {
  return and(eq(alertOutbox.event, alert.event), eq(alertOutbox.channel, alert.channel));
}

/**
 * Writes a test message for one channel, switched on or not, with its audit row.
 *
 * @returns null when there is no such channel
 */
export async function raiseTest(
  catalog: Catalog,
  { channel, test, actor, now }: { channel: string; test: string; actor: Actor; now: number },
): Promise<AlertRef | null> {
  const facts = { kind: "channel-test", test } as const;
  const event = eventId(facts);
  const exists = sql`exists (select 1 from alert_config where id = ${channel})`;
  const [, raised] = await transaction(catalog, [
    sql`insert into alert_events (event, kind, facts, at)
        select ${event}, ${facts.kind}, ${JSON.stringify(facts)}, ${now} where ${exists}`,
    sql`insert into alert_outbox (event, channel, kind, created_at)
        select ${event}, ${channel}, ${facts.kind}, ${now} where ${exists} returning event`,
    auditStatement({ at: now, actor, action: "channel.test", subject: channel }, exists),
  ]);
  return raised?.length === 1 ? { event, channel } : null;
}

/** An alert that was handed to the queue is left alone for this long; after that it may be lost. */
const IN_FLIGHT = 5 * MINUTE;

/** Alerts that are handed over at once: the tick comes back for the rest. */
const LIMIT = 1_000;

/** The queue that alerts travel in, as far as it is needed here. */
export interface AlertQueue {
  sendBatch(messages: { body: AlertDue }[]): Promise<unknown>;
}

/**
 * Hands alerts to the queue that were never handed over, after whatever wrote them; with `lost`, those too that were and
 * have not been heard of since, which is for the tick. Stopping in between sends a message twice, which sends no alert
 * twice: see claimAlert().
 *
 * @returns how many
 */
export async function handOverAlerts(
  catalog: Catalog,
  { queue, now, lost = false }: { queue: AlertQueue; now: number; lost?: boolean },
): Promise<number> {
  const due = lost
    ? sql`(next_attempt_at is null or next_attempt_at <= ${now}) and state in ('pending', 'sending')
          and (lease_expires_at is null or lease_expires_at <= ${now})`
    : sql`next_attempt_at is null and state = 'pending'`;
  const alerts = await catalog.all<AlertRef>(
    sql`select event, channel from ${alertOutbox} where ${due} order by created_at limit ${LIMIT}`,
  );
  for (let i = 0; i < alerts.length; i += MAX_BATCH_MESSAGES) {
    const chunk = alerts.slice(i, i + MAX_BATCH_MESSAGES);
    await queue.sendBatch(chunk.map((alert) => ({ body: { kind: "alert-due", version: 1, ...alert } })));
    const refs = JSON.stringify(chunk.map(({ event, channel }) => [event, channel]));
    await catalog.run(
      sql`update ${alertOutbox} set next_attempt_at = ${now + IN_FLIGHT}
          where (event, channel) in (select e.value ->> 0, e.value ->> 1 from json_each(${refs}) e)
            and state in ('pending', 'sending')`,
    );
  }
  return alerts.length;
}

export interface Delivery {
  readonly alert: Alert;
  readonly channel: Channel;
}

/**
 * Claims an alert for sending. Null when it is sent, given up, or being sent by someone else: then there is nothing to do.
 */
export async function claimAlert(
  catalog: Catalog,
  { ref, now }: { ref: AlertRef; now: number },
): Promise<Delivery | null> {
  const [alert] = await catalog
    .update(alertOutbox)
    .set({ state: "sending", leaseExpiresAt: now + DELIVERY_LEASE, attempts: sql`${alertOutbox.attempts} + 1` })
    .where(
      and(
        is(ref),
        or(
          eq(alertOutbox.state, "pending"),
          and(
            eq(alertOutbox.state, "sending"),
            or(isNull(alertOutbox.leaseExpiresAt), lte(alertOutbox.leaseExpiresAt, now)),
          ),
        ),
      ),
    )
    .returning();
  if (alert === undefined) return null;
  const [channel] = await catalog.select().from(alertConfig).where(eq(alertConfig.id, ref.channel));
  return channel === undefined ? null : { alert, channel };
}

/** How sending ended: `pending` again after a failure that may pass. */
export type DeliveryEnd =
  | { readonly state: "sent" }
  | { readonly state: "pending"; readonly nextAttemptAt: number; readonly error: string }
  | { readonly state: "given_up"; readonly error: string };

export async function endDelivery(
  catalog: Catalog,
  { ref, end, now }: { ref: AlertRef; end: DeliveryEnd; now: number },
): Promise<void> {
  await catalog
    .update(alertOutbox)
    .set({
      state: end.state,
      leaseExpiresAt: null,
      nextAttemptAt: end.state === "pending" ? end.nextAttemptAt : null,
      sentAt: end.state === "sent" ? now : null,
      ...(end.state === "sent"
        ? { error: null }
        : { error: end.error, firstError: sql`coalesce(${alertOutbox.firstError}, ${end.error})` }),
    })
    .where(and(is(ref), sql`${alertOutbox.state} <> 'sent'`));
}
