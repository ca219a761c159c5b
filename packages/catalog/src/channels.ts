import type { ChannelKind } from "@patina/alerts/channel";
import type { EventKind } from "@patina/alerts/event";
import { PatinaError } from "@patina/core/error";
import { and, desc, eq, getTableColumns, lt, sql } from "drizzle-orm";
import { type Actor, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { alertConfig, alertOutbox } from "./schema.ts";
import { transaction } from "./transaction.ts";

export type Channel = typeof alertConfig.$inferSelect;

/** What may be shown of a channel: everything but its address. */
export interface ChannelView {
  readonly id: string;
  readonly kind: ChannelKind;
  readonly enabled: boolean;
  readonly events: readonly EventKind[];
  /** The host of its address; null for one that a secret of the aggregator names. */
  readonly host: string | null;
  /** The secret that holds its address; null when the catalog holds it, encrypted. */
  readonly secret: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export async function listChannels(catalog: Catalog): Promise<ChannelView[]> {
  const rows = await catalog.select().from(alertConfig).orderBy(alertConfig.id);
  return rows.map(viewOf);
}

export async function findChannel(catalog: Catalog, id: string): Promise<ChannelView | undefined> {
  const [row] = await catalog.select().from(alertConfig).where(eq(alertConfig.id, id));
  return row === undefined ? undefined : viewOf(row);
}

function viewOf({ urlCiphertext: _, ...view }: Channel): ChannelView {
  return view;
}

/** Makes sure that a channel is known whose address a secret names; one that is already stays as its owner set it. */
export async function ensureChannel(
  catalog: Catalog,
  channel: { id: string; kind: ChannelKind; events: readonly EventKind[]; secret: string; now: number },
): Promise<void> {
  const { id, kind, events, secret, now } = channel;
  await catalog
    .insert(alertConfig)
    .values({ id, kind, events: [...events], secret, createdAt: now, updatedAt: now })
    .onConflictDoNothing();
}

/** A channel's address as the aggregator encrypted it, with the one part that is shown. */
export interface SealedAddress {
  readonly sealed: Uint8Array;
  readonly host: string;
}

interface Asked {
  readonly actor: Actor;
  readonly now: number;
}

/**
 * Adds a channel.
 *
 * @throws {PatinaError} `conflict` when there is one of this id
 */
export async function addChannel(
  catalog: Catalog,
  options: Asked & {
    channel: Pick<ChannelView, "id" | "kind" | "enabled" | "events">;
    address: SealedAddress;
  },
): Promise<ChannelView> {
  const { channel, address, actor, now } = options;
  const { id, kind, enabled, events } = channel;
  const { sealed, host } = address;
  const [added] = await transaction(catalog, [
    sql`insert into alert_config (id, kind, enabled, events, url_ciphertext, host, created_at, updated_at)
        values (${id}, ${kind}, ${enabled ? 1 : 0}, ${JSON.stringify(events)}, ${sealed}, ${host}, ${now}, ${now})
        on conflict (id) do nothing returning id`,
    // No two ciphertexts are the same: this row is the one that was just added.
    auditStatement(
      { at: now, actor, action: "channel.add", subject: id, detail: { kind, enabled, events, host } },
      sql`exists (select 1 from alert_config where id = ${id} and url_ciphertext = ${sealed})`,
    ),
  ]);
  if (added?.length === 0) throw new PatinaError("conflict", `Cannot add channel "${id}": there is one of this name`);
  return { ...channel, host, secret: null, createdAt: now, updatedAt: now };
}

/** What may be changed. What is left out stays. */
export interface ChannelChange {
  readonly enabled?: boolean;
  readonly events?: readonly EventKind[];
  readonly address?: SealedAddress;
}

/**
 * Changes a channel. It gets no event from before the change.
 *
 * @throws {PatinaError} `not_found`; `conflict` when the address is to change of a channel that a secret names
 */
export async function changeChannel(
  catalog: Catalog,
  { id, change, actor, now }: Asked & { id: string; change: ChannelChange },
): Promise<ChannelView> {
  const { enabled, events, address } = change;
  const channel = await known(catalog, id);
  if (address !== undefined && channel.secret !== null)
    throw heldBySecret(channel.secret, `change the address of "${id}"`);
  await transaction(catalog, [
    sql`update alert_config set
          enabled = coalesce(${enabled === undefined ? null : Number(enabled)}, enabled),
          events = coalesce(${events === undefined ? null : JSON.stringify(events)}, events),
          url_ciphertext = coalesce(${address?.sealed ?? null}, url_ciphertext),
          host = coalesce(${address?.host ?? null}, host),
          updated_at = ${now}
        where id = ${id}`,
    auditStatement({
      at: now,
      actor,
      action: "channel.change",
      subject: id,
      detail: { enabled, events, host: address?.host },
    }),
  ]);
  return await known(catalog, id);
}

/**
 * Removes a channel with its deliveries.
 *
 * @throws {PatinaError} `not_found`; `conflict` when a secret names it, which would bring it back
 */
export async function removeChannel(catalog: Catalog, { id, actor, now }: Asked & { id: string }): Promise<void> {
  const { secret } = await known(catalog, id);
  if (secret !== null) throw heldBySecret(secret, `remove channel "${id}"`);
  const exists = sql`exists (select 1 from alert_config where id = ${id})`;
  await transaction(catalog, [
    auditStatement({ at: now, actor, action: "channel.remove", subject: id }, exists),
    sql`delete from alert_outbox where channel = ${id}`,
    sql`delete from alert_config where id = ${id}`,
  ]);
}

async function known(catalog: Catalog, id: string): Promise<ChannelView> {
  const channel = await findChannel(catalog, id);
  if (channel === undefined) throw new PatinaError("not_found", "Cannot find this channel");
  return channel;
}

function heldBySecret(secret: string, action: string): PatinaError {
  return new PatinaError(
    "conflict",
    `Cannot ${action}: the aggregator's secret ${secret} holds it; delete or replace the secret, or switch the channel off`,
  );
}

/** One alert and what became of it on one channel. */
export type DeliveryRow = Omit<typeof alertOutbox.$inferSelect, "leaseExpiresAt"> & {
  /** Rises with every alert. */
  readonly id: number;
};

/** Deliveries, newest first: all, or one channel's; `before` is the id of the last one of the page before. */
export async function listDeliveries(
  catalog: Catalog,
  { channel, limit, before }: { channel?: string; limit: number; before?: number },
): Promise<DeliveryRow[]> {
  const id = sql<number>`${alertOutbox}.rowid`;
  const { leaseExpiresAt: _, ...columns } = getTableColumns(alertOutbox);
  return await catalog
    .select({ id, ...columns })
    .from(alertOutbox)
    .where(
      and(
        channel === undefined ? undefined : eq(alertOutbox.channel, channel),
        before === undefined ? undefined : lt(id, before),
      ),
    )
    .orderBy(desc(id))
    .limit(limit);
}
