import { Manifest } from "@patina/archive/manifest";
import { operation } from "../operation.ts";
import { findBackup } from "../vault.ts";
import { BACKUP_PATH, BACKUP_PROBLEMS, BACKUP_QUERY, nameOf } from "./download.ts";

export const manifest = operation({
  method: "GET",
  path: "/manifest/:date/:db",
  tag: "Backups",
  summary: "The manifest of a backup: tables, rows, digests, restart points",
  description: "As it is stored beside the backup, or with it in the weekly archive; see docs/format/manifest.md.",
  // The sum of a column with one row is its value.
  needs: "admin",
  params: BACKUP_PATH,
  query: BACKUP_QUERY,
  answer: Manifest,
  problems: BACKUP_PROBLEMS,
  async handle(c, { params: { date, db }, query: { job, damaged } }) {
    return (await findBackup(nameOf({ date, db, job, damaged }), { vault: c.env.vault, ...c.get("context") })).manifest;
  },
});
