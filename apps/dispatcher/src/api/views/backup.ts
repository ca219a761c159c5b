import type { Backup as CatalogBackup } from "@patina/catalog/backups";
import { timestamp } from "@patina/core/date";
import { CONSISTENCIES } from "@patina/core/job";
import * as v from "valibot";
import { Count, DatabaseName, Day, Sha256, Time } from "../fields.ts";

export const BACKUP_KINDS = ["daily", "manual"] as const;

/** One backup, as the API shows it. What its result says is null where the catalog has none, as after a rebuild. */
export const Backup = v.strictObject({
  database: DatabaseName,
  date: Day,
  kind: v.picklist(BACKUP_KINDS),
  job: v.string(),
  key: v.string(),
  created_at: Time,
  expires_at: v.nullable(Time),
  stored_bytes: Count,
  raw_bytes: v.nullable(Count),
  tables: v.nullable(Count),
  rows: v.nullable(Count),
  consistency: v.nullable(v.picklist(CONSISTENCIES)),
  stored_digest: Sha256,
  body_digest: v.nullable(Sha256),
  verified_at: v.nullable(Time),
  drilled_at: v.nullable(Time),
  damaged_at: v.nullable(Time),
  damage: v.pipe(v.nullable(v.string()), v.description("What was found to be wrong with it; null while it is good.")),
});

export function backupView(backup: CatalogBackup): v.InferOutput<typeof Backup> {
  return {
    database: backup.database,
    date: backup.date,
    kind: backup.kind,
    job: backup.job,
    key: backup.key,
    created_at: timestamp(backup.createdAt),
    expires_at: time(backup.expiresAt),
    stored_bytes: backup.storedBytes,
    raw_bytes: backup.rawBytes,
    tables: backup.tables,
    rows: backup.rows,
    consistency: backup.consistency,
    stored_digest: backup.storedDigest,
    body_digest: backup.bodyDigest,
    verified_at: time(backup.verifiedAt),
    drilled_at: time(backup.drilledAt),
    damaged_at: time(backup.damagedAt),
    damage: backup.damage,
  };
}

function time(value: number | null): string | null {
  return value === null ? null : timestamp(value);
}
