import { AGEING_RULES, ageOnce, optimize } from "@patina/catalog/ageing";
import { advancePlan, type PrunePlan } from "@patina/catalog/prune-plans";
import type { ArchiverContext } from "../upkeep.ts";

/**
 * Lets what is too old in the catalog go, rule by rule, and brings its statistics up to date.
 *
 * @returns whether all of it is done
 */
export async function ageCatalog(start: PrunePlan, { catalog, budget, clock }: ArchiverContext): Promise<boolean> {
  let plan = start;
  for (let rule = Number(start.cursor ?? 0); rule < AGEING_RULES; ) {
    if (budget.isSpent) return false;
    const { rows, hasMore } = await ageOnce(catalog, { rule, now: clock() });
    if (!hasMore) rule += 1;
    const to = { phase: "ageing", cursor: String(rule), added: { aged: rows } } as const;
    if (rows > 0) plan = await advancePlan(catalog, { plan, to, now: clock() });
    budget.spend({ queries: 3 });
  }
  await optimize(catalog);
  return true;
}
