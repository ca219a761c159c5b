import type { IndexPage } from "@patina/archive/archive-index";
import type { CheckedMember } from "@patina/catalog/archives";

/** The daily backups of a page: each dump is followed by its manifest. */
export function membersOf({ entries, date }: Pick<IndexPage, "entries" | "date">): CheckedMember[] {
  return entries.flatMap((entry, i) => {
    const manifest = entries[i + 1];
    if (entry.kind !== "dump" || manifest === undefined) return [];
    const { database, offset, stored, size, origin } = entry;
    return [
      {
        database,
        date,
        offset,
        bytes: stored,
        digest: origin.sha256,
        rawBytes: size,
        manifestOffset: manifest.offset,
        manifestBytes: manifest.stored,
      },
    ];
  });
}
