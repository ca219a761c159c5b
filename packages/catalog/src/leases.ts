import { and, eq, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { leases } from "./schema.ts";

/** Takes a named lease, unless somebody else holds it; who holds it already has it for longer. */
export async function takeLease(
  catalog: Catalog,
  lease: { name: string; holder: string; now: number; length: number },
): Promise<boolean> {
  const { name, holder, now, length } = lease;
  const taken = await catalog
    .insert(leases)
    .values({ name, holder, expiresAt: now + length })
    .onConflictDoUpdate({
      target: leases.name,
      set: { holder, expiresAt: now + length },
      setWhere: sql`${leases.expiresAt} <= ${now} or ${leases.holder} = ${holder}`,
    })
    .returning({ name: leases.name });
  return taken.length > 0;
}

/** Gives a lease back before it runs out; one that has passed to someone else stays theirs. */
export async function releaseLease(catalog: Catalog, { name, holder }: { name: string; holder: string }) {
  await catalog.delete(leases).where(and(eq(leases.name, name), eq(leases.holder, holder)));
}

/** When a lease runs out; null when nobody has it. */
export async function leaseUntil(catalog: Catalog, name: string): Promise<number | null> {
  const [found] = await catalog.select({ until: leases.expiresAt }).from(leases).where(eq(leases.name, name));
  return found?.until ?? null;
}
