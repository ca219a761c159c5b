import type { Check, Verdict } from "@patina/core/drill";
import { type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";

/**
 * What receipts in the bucket say that the catalog does not: when stored objects were verified and drilled, what was found
 * damaged, and the drills themselves. A fact only ever replaces an older one, or none.
 */

/** What was found of one stored object; an object under the same key with another etag is not meant. */
export interface RebuiltFinding {
  readonly key: string;
  readonly etag: string;
  /** Milliseconds. */
  readonly at: number;
  /** What is wrong with it, as a sentence; null when nothing is. */
  readonly damage: string | null;
}

export interface RebuiltDrill {
  readonly id: string;
  readonly database: string;
  readonly date: string;
  readonly job: string;
  readonly key: string;
  readonly etag: string;
  readonly cause: "first" | "schema" | "monthly" | "asked";
  readonly verdict: Verdict;
  /** The finding that decided the verdict; null when it passed. */
  readonly reason: string | null;
  readonly checks: readonly Check[];
  readonly rows: number;
  readonly bytes: number;
  readonly rowsWritten: number;
  readonly restoreMs: number;
  readonly schemaDigest: string | null;
  /** When it was begun and when it ended, in milliseconds. */
  readonly startedAt: number;
  readonly at: number;
}

/** The statements that note verifications: the newest that found nothing, and the first that found something. */
export function verificationStatements(findings: readonly RebuiltFinding[]): SQL[] {
  const good = findings.filter(({ damage }) => damage === null);
  const bad = findings.filter(({ damage }) => damage !== null);
  return [...notingLast("verified_at", good), ...notingDamage(bad)];
}

/** How many of these drills the catalog does not have. */
export async function unknownDrills(catalog: Catalog, drills: readonly Pick<RebuiltDrill, "id">[]): Promise<number> {
  if (drills.length === 0) return 0;
  const [row] = await catalog.all<{ unknown: number }>(
    sql`select count(*) as "unknown" from json_each(${JSON.stringify(drills.map(({ id }) => id))}) m
        where not exists (select 1 from drills d where d.id = m.value)`,
  );
  return row?.unknown ?? 0;
}

/** The statements that note drills, and what they say of the backups that were restored. */
export function drillStatements(drills: readonly RebuiltDrill[]): SQL[] {
  if (drills.length === 0) return [];
  const proven = drills.filter(({ verdict }) => verdict === "passed" || verdict === "flawed");
  const failed = drills.filter(({ verdict }) => verdict === "failed");
  return [
    sql`insert into drills (id, database, date, job_id, key, cause, state, verdict, reason, checks, rows, bytes,
          rows_written, restore_ms, schema_digest, created_at, updated_at, finished_at)
        select v ->> 'id', v ->> 'database', v ->> 'date', v ->> 'job', v ->> 'key', v ->> 'cause', 'done',
          v ->> 'verdict', v ->> 'reason', v -> 'checks', v ->> 'rows', v ->> 'bytes', v ->> 'rowsWritten',
          v ->> 'restoreMs', v ->> 'schemaDigest', v ->> 'startedAt', v ->> 'at', v ->> 'at'
        from (select m.value as v from json_each(${JSON.stringify(drills)}) m) where true
        on conflict (id) do nothing`,
    ...notingLast("drilled_at", proven),
    ...notingDamage(failed.map(({ key, etag, at, reason }) => ({ key, etag, at, damage: reason }))),
  ];
}

function notingLast(
  column: "verified_at" | "drilled_at",
  findings: readonly Pick<RebuiltFinding, "key" | "etag" | "at">[],
): SQL[] {
  if (findings.length === 0) return [];
  const list = JSON.stringify(findings.map(({ key, etag, at }) => ({ key, etag, at })));
  const name = sql.identifier(column);
  return [
    sql`update backup_inventory as i set ${name} = s.at
        from (select m.value ->> 'key' as key, m.value ->> 'etag' as etag, max(m.value ->> 'at') as at
          from json_each(${list}) m group by 1, 2) s
        where i.key = s.key and i.etag = s.etag and coalesce(i.${name}, 0) < s.at`,
  ];
}

function notingDamage(findings: readonly RebuiltFinding[]): SQL[] {
  if (findings.length === 0) return [];
  return [
    sql`update backup_inventory as i set damaged_at = s.at, damage = s.damage
        from (select m.value ->> 'key' as key, m.value ->> 'etag' as etag, min(m.value ->> 'at') as at,
          m.value ->> 'damage' as damage from json_each(${JSON.stringify(findings)}) m group by 1, 2) s
        where i.key = s.key and i.etag = s.etag and (i.damaged_at is null or i.damaged_at > s.at)`,
  ];
}
