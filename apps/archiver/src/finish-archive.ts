import { createHash } from "node:crypto";
import { type ArchiveManifest, encodeArchive, type IndexPage, type Missing } from "@patina/archive/archive-index";
import { partBytesFor } from "@patina/archive/archive-layout";
import { archiveKey, parseArchiveKey, sumsKey } from "@patina/archive/keys";
import { type Sum, sumsText } from "@patina/archive/sums";
import { missingDailies } from "@patina/catalog/archive-members";
import { type Archive, archivePagesOf } from "@patina/catalog/archives";
import type { Job } from "@patina/catalog/jobs";
import { timestamp } from "@patina/core/date";
import { datesOf } from "@patina/core/week";
import { encode } from "@patina/messages/message";
import { asking } from "@patina/worker/bucket-error";
import { storedArchive } from "./stored-archive.ts";
import { StoredLayout } from "./stored-layout.ts";
import type { ArchiverContext } from "./upkeep.ts";

/**
 * Ends an archive that was read back: the SHA256SUMS of its dates, then its manifest, which makes it an archive, then
 * the report. Each may be done again; a manifest that is there stays as it is.
 */
export async function finishArchive(
  { archive, job }: { archive: Archive; job: Job },
  context: ArchiverContext,
): Promise<void> {
  const { bucket, results } = context;
  const key = archiveKey({ is: "manifest", week: archive.week });
  if (!(await isFinished({ archive, job }, bucket))) await writeManifest({ archive, job }, context);
  await results.send(encode({ kind: "archive-finished", version: 1, job: job.id, manifest: key }));
}

/** Whether the manifest is written already. */
async function isFinished({ archive, job }: { archive: Archive; job: Job }, bucket: R2Bucket): Promise<boolean> {
  const stored = await storedArchive(archive.week, bucket);
  return stored.is === "whole" && stored.manifest.object.etag === archive.etag && stored.manifest.job === job.id;
}

async function writeManifest({ archive, job }: { archive: Archive; job: Job }, context: ArchiverContext) {
  const { bucket, catalog, log, environment } = context;
  const pages = await archivePagesOf(catalog, archive.week);
  const layout = new StoredLayout(bucket, { archive, pages });
  const leftOut: Missing[] = [];
  for (const date of datesOf(archive.week)) {
    const sums: Sum[] = [];
    for await (const page of layout.pagesOf(date)) {
      sums.push(...sumsOf(page));
      leftOut.push(...page.leftOut);
    }
    const key = sumsKey(date);
    if (sums.length > 0) await asking(key, () => bucket.put(key, sumsText(sums), TEXT));
  }
  await removeStalePages(archive, bucket);
  const missing = await missingOf(archive, { leftOut, context });
  const key = archiveKey({ is: "manifest", week: archive.week });
  const manifest: ArchiveManifest = {
    patina: "archive",
    format: 1,
    week: archive.week,
    environment,
    job: job.id,
    startedAt: timestamp(archive.startedAt),
    verifiedAt: timestamp(archive.checkedAt ?? archive.updatedAt),
    object: {
      key: archiveKey({ is: "archive", week: archive.week }),
      bytes: archive.bytes,
      etag: archive.etag ?? "",
      partBytes: partBytesFor(archive.bytes),
    },
    digest: createHash("sha256")
      .update(pages.map(({ digest }) => digest).join(""))
      .digest("hex"),
    backups: archive.backups,
    rawBytes: archive.rawBytes,
    pages: pages.map(({ number, start, entries, digest }) => ({
      key: archiveKey({ is: "page", week: archive.week, number }),
      start,
      entries,
      sha256: digest,
    })),
    missing,
    catalog: {
      job: {
        trigger: job.trigger,
        reason: job.reason,
        scheduledFor: timestamp(job.scheduledFor),
        startedAt: timestamp(job.startedAt),
      },
    },
  };
  await asking(key, () => bucket.put(key, encodeArchive(manifest), JSON_TEXT));
  const { backups, bytes, rawBytes } = archive;
  log.info({ week: archive.week, backups, bytes, rawBytes, missing: missing.length }, "Archive finished");
}

const TEXT = { httpMetadata: { contentType: "text/plain; charset=utf-8" } };
const JSON_TEXT = { httpMetadata: { contentType: "application/json" } };

/** Pages of an earlier plan that had more of them. */
async function removeStalePages({ week, pages }: Archive, bucket: R2Bucket): Promise<void> {
  const prefix = `weekly/${week}.index-`;
  const startAfter = archiveKey({ is: "page", week, number: pages - 1 });
  const { objects } = await asking(prefix, () => bucket.list({ prefix, startAfter }));
  const stale = objects.filter(({ key }) => (parseArchiveKey(key)?.is ?? null) === "page").map(({ key }) => key);
  if (stale.length > 0) await asking(prefix, () => bucket.delete(stale));
}

/** The objects of a page's backups, by their names in the folder of their date. */
function sumsOf({ entries }: IndexPage): Sum[] {
  return entries.flatMap((entry) => {
    if (entry.kind === "sums") return [];
    const { key, sha256 } = entry.origin;
    return [{ path: key.slice(key.lastIndexOf("/") + 1), sha256 }];
  });
}

/** What the plan left out, with its reason, and what the week's nightly jobs were to back up and did not. */
async function missingOf(
  { week }: Archive,
  { leftOut, context }: { leftOut: readonly Missing[]; context: ArchiverContext },
): Promise<Missing[]> {
  const known = new Set(leftOut.map(({ date, database }) => `${date}/${database}`));
  const failed = await missingDailies(context.catalog, { week, dates: datesOf(week) });
  return [
    ...leftOut,
    ...failed
      .filter(({ date, database }) => !known.has(`${date}/${database}`))
      .map(({ date, database, error }) => ({ date, database, reason: error ?? "there is no backup of it" })),
  ];
}
