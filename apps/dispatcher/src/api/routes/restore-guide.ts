import { listBackups } from "@patina/catalog/backups";
import type { Catalog } from "@patina/catalog/catalog";
import { findDatabase } from "@patina/catalog/databases";
import { PatinaError } from "@patina/core/error";
import type { Vault } from "@patina/worker/vault";
import type { Context } from "hono";
import * as v from "valibot";
import type { Block } from "../../restore-guide/block.ts";
import { emptyGuide, restoreGuide } from "../../restore-guide/guide.ts";
import { markdown } from "../../restore-guide/markdown.ts";
import { page } from "../../restore-guide/page.ts";
import type { Api } from "../app.ts";
import { DatabaseName, Day } from "../fields.ts";
import { mediaOperation } from "../operation.ts";
import { findBackup } from "../vault.ts";
import { BACKUP_PROBLEMS, BACKUP_QUERY, nameOf } from "./download.ts";

/** Backups that the guide lists. */
const LISTED = 10;

export const restoreGuideRoute = mediaOperation({
  method: "GET",
  path: "/restore-guide/:db",
  tag: "Backups",
  summary: "How to get a database back, with its own names, dates, sizes, row counts and commands",
  description:
    "Markdown, or a page for whoever asks for text/html. About the newest good backup, or that of a date; about a damaged one only with damaged=true.",
  params: { db: DatabaseName },
  query: { date: v.optional(Day), damaged: BACKUP_QUERY.damaged },
  types: ["text/markdown", "text/html"],
  problems: BACKUP_PROBLEMS,
  async handle(c, { params: { db }, query: { date, damaged } }) {
    const { catalog, clock } = c.get("context");
    const { origin } = new URL(c.req.url);
    const blocks = await guideFor({ db, date, damaged }, { catalog, vault: c.env.vault, origin, now: clock() });
    return await shown(c, { blocks, title: `Restore ${db}` });
  },
});

interface GuideContext {
  readonly catalog: Catalog;
  readonly vault: Vault;
  /** Of this deployment: commands that download name it. */
  readonly origin: string;
  readonly now: number;
}

/**
 * The guide of a database: about the newest good backup, or that of a date.
 *
 * @throws {PatinaError} `not_found`, and what findBackup() throws
 */
export async function guideFor(
  { db, date, damaged }: { db: string; date: string | undefined; damaged?: boolean | undefined },
  { catalog, vault, origin, now }: GuideContext,
): Promise<Block[]> {
  const database = await findDatabase(catalog, db);
  const backups = await listBackups(catalog, { filter: { database: db }, limit: LISTED });
  if (database === undefined && backups.length === 0 && date === undefined) {
    throw new PatinaError("not_found", "Cannot write a restore guide: no database of this name is registered");
  }
  // What is no longer registered can still be restored.
  const about = database ?? { name: db, d1Id: null, description: "It is no longer registered." };
  const newest = backups.find(({ damage }) => damage === null) ?? backups[0];
  const wanted = date ?? newest?.date;
  if (wanted === undefined) return emptyGuide({ database: about, origin, now });
  const name = nameOf({ date: wanted, db, job: undefined, damaged });
  const { manifest, damage } = await findBackup(name, { vault, catalog });
  const [listed] = await listBackups(catalog, { filter: { database: db, key: manifest.object.key }, limit: 1 });
  const chosen = { manifest, damage, verifiedAt: listed?.verifiedAt ?? null, drilledAt: listed?.drilledAt ?? null };
  return restoreGuide({ database: about, origin, now, backups, chosen });
}

async function shown(c: Context<Api>, { blocks, title }: { blocks: Block[]; title: string }): Promise<Response> {
  c.header("vary", "accept");
  if (!(c.req.header("accept") ?? "").includes("text/html")) {
    return c.body(markdown(blocks), 200, { "content-type": "text/markdown; charset=utf-8" });
  }
  const nonce = crypto.randomUUID();
  c.header("content-security-policy", `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'`);
  return c.html(page(blocks, { title, nonce }));
}
