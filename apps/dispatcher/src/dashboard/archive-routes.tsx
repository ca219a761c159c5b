import { decodeArchiveManifest, type Missing } from "@patina/archive/archive-index";
import { archiveKey } from "@patina/archive/keys";
import { listArchives, listMembers } from "@patina/catalog/archive-list";
import { readRetention } from "@patina/catalog/custody-settings";
import { PatinaError } from "@patina/core/error";
import { isDatabaseName } from "@patina/core/job";
import { isWeek } from "@patina/core/week";
import type { Vault } from "@patina/worker/vault";
import { Hono } from "hono";
import * as v from "valibot";
import { readObject } from "../api/vault.ts";
import { type Dashboard, show } from "./app.tsx";
import { ArchivePage, type Lacking } from "./archive.tsx";
import { ArchivesPage } from "./archives.tsx";

const PAGE_SIZE = 50;

/** `2026-11-20.shop`: the last backup of the page before. */
const After = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d{2}-\d{2}\.[\w-]{1,64}$/),
  v.transform((text) => ({ date: text.slice(0, 10), database: text.slice(11) })),
);

export function archiveRoutes() {
  return new Hono<Dashboard>()
    .get("/archives", async (c) => {
      const { catalog } = c.get("context");
      const before = c.req.query("before");
      const found = await listArchives(catalog, {
        limit: PAGE_SIZE + 1,
        before: before !== undefined && isWeek(before) ? before : undefined,
      });
      const archives = found.slice(0, PAGE_SIZE);
      const older = found.length > PAGE_SIZE ? `/dashboard/archives?before=${archives.at(-1)?.week}` : null;
      const { weeklyWeeks } = await readRetention(catalog);
      const isLive = archives.some(({ state }) => state !== "checked");
      return show(c, <ArchivesPage {...{ frame: c.get("frame"), archives, older, weeklyWeeks }} />, { isLive });
    })
    .get("/archives/:week", async (c) => {
      const { catalog } = c.get("context");
      const week = c.req.param("week");
      const [archive] = isWeek(week) ? await listArchives(catalog, { limit: 1, week }) : [];
      if (archive === undefined)
        throw new PatinaError("not_found", "Cannot find this archive: there is none of this week");
      const after = v.safeParse(After, c.req.query("after"));
      const name = c.req.query("database") ?? "";
      const database = isDatabaseName(name) ? name : undefined;
      const found = await listMembers(catalog, {
        week,
        database,
        after: after.success ? after.output : undefined,
        limit: PAGE_SIZE + 1,
      });
      const members = found.slice(0, PAGE_SIZE);
      const last = found.length > PAGE_SIZE ? members.at(-1) : undefined;
      const facts = {
        frame: c.get("frame"),
        archive,
        members,
        database: database ?? "",
        later: last === undefined ? null : `/dashboard/archives/${week}?after=${last.date}.${last.database}`,
        lacking: await lackingOf(week, c.env.vault),
        weeklyWeeks: (await readRetention(catalog)).weeklyWeeks,
      };
      return show(c, <ArchivePage {...facts} />, { isLive: archive.state !== "checked" });
    });
}

/** What an archive lacks, as its manifest says, which is written when it is finished. */
async function lackingOf(week: string, vault: Vault): Promise<Lacking> {
  try {
    const text = await readObject(archiveKey({ is: "manifest", week }), vault);
    if (text === null) return { is: "unknown", reason: "It has no manifest" };
    const { missing } = decodeArchiveManifest(text);
    return { is: "known", missing: missing.toSorted(byDate) };
  } catch (thrown) {
    // The page is about more than this: what cannot be read is said in its place.
    if (thrown instanceof PatinaError) return { is: "unknown", reason: thrown.message };
    throw thrown;
  }
}

function byDate(a: Missing, b: Missing): number {
  if (a.date !== b.date) return a.date < b.date ? -1 : 1;
  return a.database < b.database ? -1 : 1;
}
