import type { Catalog } from "@patina/catalog/catalog";
import { nightlyDates } from "@patina/catalog/fleet";
import { rollupDays } from "@patina/catalog/rollup";
import { type CalendarDay, calendar, nights } from "@patina/core/calendar";
import { DAY, dateOf } from "@patina/core/date";
import type { FleetRow } from "./fleet-view.ts";

/** Days that strips and heat-maps show: 12 weeks. */
export const DAYS = 84;

/** The last 84 days of each database, by name. */
export async function daysOf(
  catalog: Catalog,
  { rows, now }: { rows: readonly FleetRow[]; now: number },
): Promise<Map<string, readonly CalendarDay[]>> {
  const since = dateOf(now - (DAYS - 1) * DAY);
  const frame = nights(now, { count: DAYS, opened: await nightlyDates(catalog, since) });
  const runs = Map.groupBy(
    await rollupDays(catalog, { names: rows.map(({ entry }) => entry.name), since }),
    ({ database }) => database,
  );
  return new Map(
    rows.map(({ entry: { name, since: registered, isEnabled, active } }) => {
      const database = { since: registered, isEnabled, activeDay: active?.date ?? null };
      return [name, calendar(frame, { runs: runs.get(name) ?? [], database, now })];
    }),
  );
}
