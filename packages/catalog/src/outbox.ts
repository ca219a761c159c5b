import { DELIVERY_LEASE } from "@patina/core/lease";
import { and, eq, inArray, isNull, lte, or, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { alertConfig, alertOutbox } from "./schema.ts";

export type Channel = typeof alertConfig.$inferSelect;
export type Alert = typeof alertOutbox.$inferSelect;

/** One alert for one channel. */
export interface AlertRef {
  readonly event: string;
  readonly channel: string;
}

function is(alert: AlertRef) {
  return and(eq(alertOutbox.event, alert.event), eq(alertOutbox.channel, alert.channel));
}

/** Makes sure that a channel is known; one that is already stays as its owner set it. */
export async function addChannel(
  catalog: Catalog,
  channel: { id: string; kind: Channel["kind"]; events: readonly string[]; secret: string; now: number },
): Promise<void> {
  const { id, kind, events, secret, now } = channel;
  await catalog
    .insert(alertConfig)
    .values({ id, kind, events: [...events], secret, createdAt: now })
    .onConflictDoNothing();
}

/** Alerts of these jobs that nobody has sent yet. */
export async function pendingAlertsOf(catalog: Catalog, jobIds: readonly string[]): Promise<AlertRef[]> {
  if (jobIds.length === 0) return [];
  return await catalog
    .select({ event: alertOutbox.event, channel: alertOutbox.channel })
    .from(alertOutbox)
    .where(and(eq(alertOutbox.state, "pending"), inArray(alertOutbox.jobId, [...jobIds])));
}

/**
 * Alerts that wait for longer than they should: never handed to the queue, or handed over and lost. The tick sends them
 * on; each is then left alone until `now + grace`.
 */
export async function takeOverdueAlerts(
  catalog: Catalog,
  { now, grace, limit }: { now: number; grace: number; limit: number },
): Promise<AlertRef[]> {
  return await catalog.all<AlertRef>(
    sql`update ${alertOutbox} set next_attempt_at = ${now + grace}
        where (event, channel) in (
          select event, channel from ${alertOutbox}
          where state in ('pending', 'sending') and coalesce(next_attempt_at, created_at + ${grace}) <= ${now}
            and (lease_expires_at is null or lease_expires_at <= ${now})
          order by created_at limit ${limit})
        returning event, channel`,
  );
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
      error: end.state === "sent" ? null : end.error,
    })
    .where(and(is(ref), sql`${alertOutbox.state} <> 'sent'`));
}
