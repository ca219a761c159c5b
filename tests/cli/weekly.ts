import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ArchiveManifest, encodeArchive, type IndexEntry, type IndexPage } from "@patina/archive/archive-index";
import { archiveEnd, contentOffset, fileEnd, piecesOf } from "@patina/archive/archive-layout";
import { gzipMember } from "@patina/archive/gzip-member";
import { archiveKey, dumpKey, manifestKey } from "@patina/archive/keys";
import { decodeManifest } from "@patina/archive/manifest";
import { write } from "./bucket-folder.ts";

/** Makes a weekly archive of daily backups that lie in a folder, as the archiver does, with one index page for each date. */
export function makeArchive(
  folder: string,
  week: string,
  backups: readonly { date: string; database: string }[],
): void {
  const parts: Uint8Array[] = [];
  const pages: IndexPage[] = [];
  let at = 0;
  for (const date of [...new Set(backups.map((backup) => backup.date))].sort()) {
    const start = at;
    const entries: IndexEntry[] = [];
    for (const { database } of backups.filter((backup) => backup.date === date)) {
      const ref = { kind: "daily", date, database } as const;
      const text = readFileSync(join(folder, manifestKey(ref)));
      const manifest = decodeManifest(text.toString());
      const files = [
        {
          kind: "dump" as const,
          suffix: ".sql",
          key: dumpKey(ref),
          content: readFileSync(join(folder, dumpKey(ref))),
          size: manifest.sql.bytes,
        },
        {
          kind: "manifest" as const,
          suffix: ".manifest.json",
          key: manifestKey(ref),
          content: gzipMember(text),
          size: text.length,
        },
      ];
      for (const { kind, suffix, key, content, size } of files) {
        const file = { path: `${date}/${database}${suffix}`, size, modified: 0, stored: content.length };
        for (const piece of piecesOf([file], at)) parts.push(piece.is === "frame" ? piece.bytes : content);
        const sha256 = createHash("sha256").update(content).digest("hex");
        const origin = { key, etag: "e", bytes: content.length, sha256 };
        entries.push({ kind, database, ...file, sha256, offset: contentOffset(at, file), origin });
        at = fileEnd(at, file);
      }
    }
    pages.push({
      patina: "archive-index",
      format: 1,
      week,
      number: pages.length,
      date,
      start,
      end: at,
      entries,
      leftOut: [],
    });
  }
  const end = archiveEnd(at);
  if (end.is === "frame") parts.push(end.bytes);
  const archive = Buffer.concat(parts);
  write(join(folder, archiveKey({ is: "archive", week })), archive);
  for (const page of pages)
    write(join(folder, archiveKey({ is: "page", week, number: page.number })), encodeArchive(page));
  const time = "2026-11-22T05:00:00.000Z";
  const manifest: ArchiveManifest = {
    patina: "archive",
    format: 1,
    week,
    environment: "test",
    job: "weekly-2026-11-22",
    startedAt: time,
    verifiedAt: time,
    object: { key: archiveKey({ is: "archive", week }), bytes: archive.length, etag: "e", partBytes: 8_388_608 },
    digest: "0".repeat(64),
    backups: backups.length,
    rawBytes: 1,
    pages: pages.map(({ number, start, entries }) => ({
      key: archiveKey({ is: "page", week, number }),
      start,
      entries: entries.length,
      sha256: "0".repeat(64),
    })),
    missing: [{ date: "2026-11-18", database: "shop", reason: "its backup failed" }],
  };
  write(join(folder, archiveKey({ is: "manifest", week })), encodeArchive(manifest));
}
