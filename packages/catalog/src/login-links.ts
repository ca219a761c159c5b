import { sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { loginLinks } from "./schema.ts";

/**
 * Logins that work once, for whoever can write to the catalog: the local run prints one. Only the digest of the code is
 * kept, so that the catalog and its backups let nobody in.
 */

/** Makes a code good for one login until `expiresAt`. */
export async function addLoginLink(
  catalog: Catalog,
  { code, expiresAt }: { code: string; expiresAt: number },
): Promise<void> {
  await catalog.insert(loginLinks).values({ digest: await digestOf(code), expiresAt });
}

/** Uses a code up. @returns whether it let in: of several who come with the same code, one */
export async function useLoginLink(catalog: Catalog, { code, now }: { code: string; now: number }): Promise<boolean> {
  const used = await catalog
    .update(loginLinks)
    .set({ usedAt: now })
    .where(sql`digest = ${await digestOf(code)} and used_at is null and expires_at > ${now}`)
    .returning({ digest: loginLinks.digest });
  return used.length > 0;
}

async function digestOf(code: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(code));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
