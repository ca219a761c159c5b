import { createHash } from "node:crypto";
import { type ArchiveManifest, decodeIndexPage, type IndexPage, lacking } from "@patina/archive/archive-index";
import { archiveKey, manifestKey, parseArchiveKey } from "@patina/archive/keys";
import { decodeManifest } from "@patina/archive/manifest";
import { type CheckedMember, findArchive } from "@patina/catalog/archives";
import type { SkippedObject } from "@patina/catalog/rebuild-tables";
import type { RebuildStep } from "@patina/catalog/rebuilds";
import {
  archiveStatements,
  knownArchive,
  memberStatements,
  type RebuiltArchive,
  unknownMembers,
} from "@patina/catalog/rebuilt-archives";
import { archivedStatements, type RebuiltBackup } from "@patina/catalog/rebuilt-backups";
import { PatinaError } from "@patina/core/error";
import { CRONS, nextRun } from "@patina/core/schedule";
import { datesOf } from "@patina/core/week";
import { asking } from "@patina/worker/bucket-error";
import { membersOf } from "./check-archive.ts";
import { read, unzip } from "./find-backup.ts";
import { inTurn } from "./in-turn.ts";
import { rebuiltBackup } from "./rebuilt-backup.ts";
import { storedArchive } from "./stored-archive.ts";
import type { ArchiverContext } from "./upkeep.ts";

/**
 * One step through the weekly archives: an archive itself, or the members on one page of its index with what their
 * manifests, inside the archive, say of them. `after` is `2026-W47` behind that week, `2026-W47#3` before its page 3.
 */
export async function rebuildArchives(after: string | null, context: ArchiverContext): Promise<RebuildStep> {
  const [last = "", page] = (after ?? "").split("#");
  if (page !== undefined) return await rebuildMembers(last, Number(page), context);
  const week = await nextWeek(last, context);
  return week === null ? { next: { phase: "dailies" }, statements: [] } : await rebuildArchive(week, context);
}

/** The first week behind another that has an object of an archive. */
async function nextWeek(last: string, { bucket, budget }: ArchiverContext): Promise<string | null> {
  let startAfter = last === "" ? "" : archiveKey({ is: "archive", week: last });
  for (;;) {
    const prefix = "weekly/";
    const { objects, truncated } = await asking(prefix, () =>
      bucket.list({ prefix, ...(startAfter === "" ? {} : { startAfter }) }),
    );
    budget.spend({ requests: 1 });
    for (const { key } of objects) {
      // An index by itself is the plan of an archive that was never made.
      const ref = parseArchiveKey(key);
      if (ref !== null && ref.is !== "page" && ref.week !== last) return ref.week;
    }
    startAfter = objects.at(-1)?.key ?? startAfter;
    if (!truncated) return null;
  }
}

async function rebuildArchive(week: string, context: ArchiverContext): Promise<RebuildStep> {
  const { catalog, bucket, budget, clock } = context;
  const stored = await storedArchive(week, bucket);
  budget.spend({ queries: 1, requests: 2 });
  const key = archiveKey({ is: "archive", week });
  const behind = { next: { after: week }, statements: [] };
  if (stored.is === "absent") {
    // Its manifest comes last: one that is known is on its way.
    const isKnown = (await findArchive(catalog, week)) !== undefined;
    return { ...behind, skipped: isKnown ? [] : [{ key, reason: "it has no manifest" }] };
  }
  if (stored.is === "bad") return { ...behind, skipped: [{ key: stored.key, reason: stored.reason }] };
  const { manifest } = stored;
  const { etag } = manifest.object;
  const first = { after: `${week}#0` };
  switch (await knownArchive(catalog, { week, etag, backups: manifest.backups })) {
    case "other":
      return { ...behind, counts: { archives: 1 } };
    case "whole":
      return { ...behind, counts: { archives: 1, archived: manifest.backups } };
    case "partly":
      return { next: first, statements: [], counts: { archives: 1 } };
    case "unknown":
      break;
  }
  const pages = await inTurn(manifest.pages, async (_, number) => {
    const page = await readPage(manifest, { number, bucket });
    return page.is === "good" ? { is: page.is, date: page.page.date } : page;
  });
  budget.spend({ requests: pages.length });
  return {
    next: first,
    statements: archiveStatements(rebuiltArchive(manifest, pages), clock()),
    counts: { archives: 1, addedArchives: 1 },
  };
}

/** The archive as the catalog is to have it; pages that cannot be read are left out. */
function rebuiltArchive(
  manifest: ArchiveManifest,
  pages: readonly ({ readonly is: "good"; readonly date: string } | { readonly is: "bad" })[],
): RebuiltArchive {
  const { week, object, digest, backups, rawBytes, missing } = manifest;
  const startedAt = Date.parse(manifest.startedAt);
  return {
    week,
    date: datesOf(week)[6] ?? "",
    job: rebuiltJob(manifest),
    key: object.key,
    bytes: object.bytes,
    etag: object.etag,
    digest,
    startedAt,
    verifiedAt: Date.parse(manifest.verifiedAt),
    backups,
    rawBytes,
    missing: missing.length,
    error: lacking(manifest),
    pages: manifest.pages.flatMap(({ start, entries, sha256 }, number) => {
      const page = pages[number];
      return page?.is === "good" ? [{ number, date: page.date, start, entries, digest: sha256 }] : [];
    }),
  };
}

function rebuiltJob({ job: id, week, startedAt, catalog }: ArchiveManifest): RebuiltArchive["job"] {
  if (catalog === undefined) {
    const sunday = Date.parse(datesOf(week)[6] ?? "");
    const began = Date.parse(startedAt);
    return { id, trigger: "cron", reason: null, scheduledFor: nextRun(CRONS.weekly, sunday - 1), startedAt: began };
  }
  const { job } = catalog;
  return { id, ...job, scheduledFor: Date.parse(job.scheduledFor), startedAt: Date.parse(job.startedAt) };
}

async function rebuildMembers(week: string, number: number, context: ArchiverContext): Promise<RebuildStep> {
  const { catalog, bucket, budget, clock } = context;
  const stored = await storedArchive(week, bucket);
  budget.spend({ queries: 2, requests: 3 });
  const behind = { next: { after: week }, statements: [] };
  if (stored.is !== "whole" || number >= stored.manifest.pages.length) return behind;
  const { manifest } = stored;
  const { key, etag } = manifest.object;
  if ((await knownArchive(catalog, { week, etag, backups: manifest.backups })) !== "partly") return behind;
  const next = { after: `${week}#${number + 1}` };
  const found = await readPage(manifest, { number, bucket });
  if (found.is === "bad") return { next, statements: [], skipped: [found.skipped] };
  const { page } = found;
  const members = membersOf(page.entries, page.date);
  const unknown = await unknownMembers(catalog, { week, members });
  const rows = await inTurn(unknown, (member) => rowsOf(member, { bucket, key, etag }));
  budget.spend({ requests: rows.length });
  const backups = rows.flatMap((found) => (found.is === "good" ? [found.backup] : []));
  return {
    next,
    statements: [...archivedStatements(backups, { week, now: clock() }), ...memberStatements(unknown, { week, etag })],
    counts: { archived: members.length, addedArchived: unknown.length },
    skipped: rows.flatMap((found) => (found.is === "bad" ? [{ key, reason: found.reason }] : [])),
  };
}

type Page = { readonly is: "good"; readonly page: IndexPage } | { readonly is: "bad"; readonly skipped: SkippedObject };

async function readPage(
  { pages, week }: ArchiveManifest,
  { number, bucket }: { number: number; bucket: R2Bucket },
): Promise<Page> {
  const key = archiveKey({ is: "page", week, number });
  const bad = (reason: string): Page => ({ is: "bad", skipped: { key, reason } });
  const stored = await asking(key, () => bucket.get(key));
  if (stored === null) return bad("it is missing");
  const text = await asking(key, () => stored.text());
  if (createHash("sha256").update(text).digest("hex") !== pages[number]?.sha256) {
    return bad("it is not the one that the archive's manifest names");
  }
  return { is: "good", page: decodeIndexPage(text) };
}

type Rows = { readonly is: "good"; readonly backup: RebuiltBackup } | { readonly is: "bad"; readonly reason: string };

/** What the catalog is to say of an archived backup; without its manifest only where it is can be said. */
async function rowsOf(
  { database, date, manifestOffset, manifestBytes }: CheckedMember,
  { bucket, key, etag }: { bucket: R2Bucket; key: string; etag: string },
): Promise<Rows> {
  const bad: Rows = { is: "bad", reason: `the manifest of "${database}" of ${date} in it cannot be read` };
  try {
    const zipped = await read(bucket, { key, etag, offset: manifestOffset, length: manifestBytes });
    if (zipped === null) throw new PatinaError("archive_outdated", `Cannot read "${key}": it was written anew`);
    const manifest = decodeManifest(unzip(key, zipped));
    if (manifest.database !== database || manifest.date !== date) return bad;
    return { is: "good", backup: rebuiltBackup(manifest, manifestKey({ kind: "daily", date, database })) };
  } catch (error) {
    if (!(error instanceof PatinaError) || !UNREADABLE.has(error.code)) throw error;
    return bad;
  }
}

const UNREADABLE: ReadonlySet<string> = new Set(["manifest_invalid", "backup_damaged"]);
