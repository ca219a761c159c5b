import { doubtOf } from "@patina/core/retention";
import type { RetentionPolicy } from "@patina/core/retention-policy";
import { sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { doubtOfRebuilds, REBUILT, type Rebuilt } from "./rebuilds.ts";
import { NEWEST_BACKUP } from "./stored-dumps.ts";

interface Row extends Rebuilt {
  readonly last: number | null;
  readonly since: number | null;
  readonly newest: number | null;
}

/** Why nothing may be removed at a moment, as far as the catalog knows; null when there is no such reason. One query. */
export async function doubtNow(
  catalog: Catalog,
  { policy, now }: { policy: RetentionPolicy; now: number },
): Promise<string | null> {
  const [row] = await catalog.all<Row>(
    sql`select t.last as "last", t.since as "since", ${NEWEST_BACKUP} as "newest", ${REBUILT}
        from (select 1) left join ticks t on t.id = 1`,
  );
  const { last = null, since = null, newest = null, ...rebuilt } = row ?? { running: 0, unset: 0 };
  const ticks = last === null || since === null ? null : { last, since };
  return doubtOf(policy, { now, ticks, newest: newest ?? 0 }) ?? doubtOfRebuilds(rebuilt);
}
