import { type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { lostArchive, mismatchStatements, requestStatements } from "./damage.ts";

/** Of so many missing objects people are told one by one; the others are in the plan. */
const MAX_TOLD = 10;

/**
 * The statements that mark as damaged what a plan did not find in the bucket, or found to be another object: none of it
 * counts as a good backup any more. Of an archive that is gone, that is also each backup in it.
 *
 * @param options.noManifest the reason of a step for an object that lacks nothing but its manifest
 */
export async function missingStatements(
  catalog: Catalog,
  { plan, noManifest, now }: { plan: string; noManifest: string; now: number },
): Promise<SQL[]> {
  const contentOf = ({ etag, damage }: { etag: string; damage: string }) =>
    lostArchive(etag, damage === noManifest ? "manifest" : "archive");
  const told = await catalog.all<{ key: string; etag: string; database: string | null; damage: string }>(
    sql`select i.key, i.etag, i.database as "database", s.reason as "damage"
        from prune_steps s join backup_inventory i on i.key = s.key and i.etag = s.etag
        where s.plan = ${plan} and s.action = 'forget_row' and i.damaged_at is null and i.deleted_at is null
        order by i.date desc, i.key limit ${MAX_TOLD}`,
  );
  return [
    // Before the archives are marked.
    sql`update archive_members set damaged_at = ${now}
        where damaged_at is null and week in (select substr(i.key, 8, 8)
          from prune_steps s join backup_inventory i on i.key = s.key and i.etag = s.etag
          where s.plan = ${plan} and s.action = 'forget_row' and s.reason <> ${noManifest} and i.kind = 'weekly'
            and i.damaged_at is null and i.deleted_at is null)`,
    ...told.flatMap((found) => [
      ...mismatchStatements({ ...found, ...(found.database === null ? { content: contentOf(found) } : {}), now }),
      ...(found.database === null
        ? []
        : requestStatements({
            id: `verify:${found.etag}`,
            database: found.database,
            reason: `A prune found that ${found.key} is not what was stored`,
            now,
          })),
    ]),
    sql`update backup_inventory set damaged_at = ${now}, damage = s.reason from prune_steps s
        where s.plan = ${plan} and s.action = 'forget_row' and s.key = backup_inventory.key
          and s.etag = backup_inventory.etag and damaged_at is null and deleted_at is null`,
  ];
}

/** How many objects a plan did not find, and how many the inventory says there are. */
export async function countMissing(catalog: Catalog, plan: string): Promise<{ missing: number; stored: number }> {
  const [row] = await catalog.all<{ missing: number; stored: number }>(
    sql`select (select count(*) from prune_steps where plan = ${plan} and action = 'forget_row') as "missing",
          (select count(*) from backup_inventory where deleted_at is null) as "stored"`,
  );
  return row ?? { missing: 0, stored: 0 };
}
