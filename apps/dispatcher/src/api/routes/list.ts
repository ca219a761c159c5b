import { listBackups } from "@patina/catalog/backups";
import { CONSISTENCIES } from "@patina/core/job";
import * as v from "valibot";
import { DatabaseName, Day, Flag } from "../fields.ts";
import { operation } from "../operation.ts";
import { PAGE, pageOf, pageSize, paging } from "../page.ts";
import { BACKUP_KINDS, Backup, backupView } from "../views/backup.ts";

export const list = operation({
  method: "GET",
  path: "/list",
  tag: "Backups",
  summary: "Stored backups, the newest date first",
  query: {
    database: v.optional(DatabaseName),
    from: v.optional(Day),
    to: v.optional(Day),
    kind: v.optional(v.picklist(BACKUP_KINDS)),
    consistency: v.optional(v.picklist(CONSISTENCIES)),
    verified: v.optional(Flag),
    drilled: v.optional(Flag),
    damaged: v.optional(Flag),
    ...paging(v.strictTuple([v.string(), v.string(), v.string()])),
  },
  answer: v.strictObject({ backups: v.array(Backup), ...PAGE }),
  async handle(c, { query: { limit: asked, cursor, verified, drilled, damaged, ...rest } }) {
    const { limit, read } = pageSize(asked);
    const found = await listBackups(c.get("context").catalog, {
      filter: { ...rest, isVerified: verified, isDrilled: drilled, isDamaged: damaged },
      after: cursor === undefined ? undefined : { date: cursor[0], database: cursor[1], key: cursor[2] },
      limit: read,
    });
    const page = pageOf(found, { limit, placeOf: ({ date, database, key }) => [date, database, key] });
    return { backups: page.entries.map(backupView), next_cursor: page.next_cursor };
  },
});
