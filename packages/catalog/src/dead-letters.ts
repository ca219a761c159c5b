import { desc, eq } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { deadLetters } from "./schema.ts";
import { transaction } from "./transaction.ts";

export type DeadLetter = typeof deadLetters.$inferSelect;
export type NewDeadLetter = Omit<DeadLetter, "state">;

/** Records a dead letter; the same letter delivered again changes nothing. */
export async function recordDeadLetters(catalog: Catalog, letters: readonly NewDeadLetter[]): Promise<void> {
  await transaction(
    catalog,
    letters.map((letter) =>
      catalog
        .insert(deadLetters)
        .values({ ...letter, state: "open" })
        .onConflictDoNothing()
        .getSQL(),
    ),
  );
}

export async function listDeadLetters(catalog: Catalog, limit: number): Promise<DeadLetter[]> {
  return await catalog.select().from(deadLetters).orderBy(desc(deadLetters.arrivedAt)).limit(limit);
}

/** How many dead letters nobody has dealt with. */
export async function countOpenLetters(catalog: Catalog): Promise<number> {
  return await catalog.$count(deadLetters, eq(deadLetters.state, "open"));
}
