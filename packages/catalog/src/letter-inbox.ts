import { desc, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import type { DeadLetter } from "./dead-letters.ts";
import { deadLetters } from "./schema.ts";

/** Dead letters as an inbox: those that nobody has dealt with first, the newest first among them. */
export async function letterInbox(catalog: Catalog, limit: number): Promise<DeadLetter[]> {
  return await catalog
    .select()
    .from(deadLetters)
    .orderBy(desc(sql`${deadLetters.state} = 'open'`), desc(deadLetters.arrivedAt))
    .limit(limit);
}
