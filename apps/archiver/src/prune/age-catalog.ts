import { ageOnce, optimize } from "@patina/catalog/ageing";
import { advancePlan, type PrunePlan } from "@patina/catalog/prune-plans";
import type { ArchiverContext } from "../upkeep.ts";

/**
 * Lets what is too old in the catalog go, some rows at a time, and brings its statistics up to date.
 *
 * @returns whether all of it is done
 */
export async function ageCatalog(start: PrunePlan, { catalog, budget, clock }: ArchiverContext): Promise<boolean> {
  for (let plan = start; ; ) {
    const { rows, hasMore, queries } = await ageOnce(catalog, clock());
    budget.spend({ queries: queries + 2 });
    if (rows > 0) {
      const to = { phase: "ageing", cursor: null, added: { aged: rows } } as const;
      plan = await advancePlan(catalog, { plan, to, now: clock() });
    }
    if (!hasMore) break;
    if (budget.isSpent) return false;
  }
  await optimize(catalog);
  return true;
}
