import { DAY, MINUTE } from "@patina/core/date";
import { and, eq, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { idempotencyKeys } from "./schema.ts";
import { transaction } from "./transaction.ts";

/** How long a key is remembered. */
export const KEY_LIFETIME = DAY;

/** A request that has not answered for so long has stopped: the next one with its key goes on in its place. */
const STOPPED_AFTER = MINUTE;

/** One key of one caller. */
export interface KeyRef {
  readonly principal: string;
  readonly key: string;
}

export interface KeptAnswer {
  readonly status: number;
  readonly body: string;
  readonly location: string | null;
}

/**
 * What a request makes is named after its seed. It is the same when the request has to be carried out again because the
 * first invocation stopped half-way: the second then finds what the first has made.
 */
export interface Seed {
  /** When the request first came. */
  readonly at: number;
  /** Random, in hexadecimal. */
  readonly entropy: string;
}

/** What a key stands for when a request comes with it. */
export type KeyClaim =
  /** The request is to be carried out. */
  | { readonly end: "claimed"; readonly seed: Seed }
  | { readonly end: "answered"; readonly answer: KeptAnswer }
  /** Another request with the key is being carried out. */
  | { readonly end: "busy" }
  /** The key was used for another request. */
  | { readonly end: "different" };

/**
 * Claims a key for a request.
 *
 * @param digest of everything that makes the request what it is
 * @param seed of this moment; used if the key is new
 */
export async function claimKey(
  catalog: Catalog,
  { ref, digest, seed }: { ref: KeyRef; digest: string; seed: Seed },
): Promise<KeyClaim> {
  const { principal, key } = ref;
  const now = seed.at;
  const [, claimed, found] = await transaction(catalog, [
    sql`delete from idempotency_keys where created_at <= ${now - KEY_LIFETIME}`,
    sql`insert into idempotency_keys (principal, key, digest, entropy, claimed_at, created_at)
        values (${principal}, ${key}, ${digest}, ${seed.entropy}, ${now}, ${now})
        on conflict (principal, key) do update set claimed_at = excluded.claimed_at
          where digest = excluded.digest and status is null and claimed_at <= ${now - STOPPED_AFTER}
        returning entropy, created_at as "at"`,
    sql`select digest, status, body, location from idempotency_keys where principal = ${principal} and key = ${key}`,
  ]);
  const mine = claimed?.[0];
  if (mine !== undefined) {
    return { end: "claimed", seed: { at: Number(mine["at"]), entropy: String(mine["entropy"]) } };
  }
  const row = found?.[0];
  if (row?.["digest"] !== digest) return { end: "different" };
  if (row["status"] === null) return { end: "busy" };
  const location = row["location"] === null ? null : String(row["location"]);
  return { end: "answered", answer: { status: Number(row["status"]), body: String(row["body"]), location } };
}

/** Keeps the answer to a request, for all that come with the same key. */
export async function keepAnswer(
  catalog: Catalog,
  { ref, answer }: { ref: KeyRef; answer: KeptAnswer },
): Promise<void> {
  await catalog.update(idempotencyKeys).set(answer).where(isKey(ref));
}

/** Gives a key back after a request that was refused, and so has changed nothing. */
export async function releaseKey(catalog: Catalog, ref: KeyRef): Promise<void> {
  await catalog.delete(idempotencyKeys).where(isKey(ref));
}

function isKey({ principal, key }: KeyRef) {
  return and(eq(idempotencyKeys.principal, principal), eq(idempotencyKeys.key, key));
}
