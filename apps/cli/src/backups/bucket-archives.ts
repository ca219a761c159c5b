import { decodeArchiveManifest, decodeIndexPage, type IndexPage } from "@patina/archive/archive-index";
import { archiveKey, parseArchiveKey } from "@patina/archive/keys";
import { datesOf, weekOf } from "@patina/core/week";
import type { Store } from "../store/store.ts";
import { backupsIn, type Member } from "./archive-member.ts";
import type { Backup } from "./backup.ts";

/** The weekly archives in a bucket or a copy of it, read through their indexes. */
export class BucketArchives {
  readonly #store: Store;
  #weeks: Promise<string[]> | null = null;
  readonly #pages = new Map<string, Promise<IndexPage[]>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Weeks that have an archive: its manifest says that it is whole. */
  async weeks(): Promise<string[]> {
    this.#weeks ??= this.#list();
    return await this.#weeks;
  }

  /** Dates of which there may be backups in an archive. */
  async dates(): Promise<string[]> {
    return (await this.weeks()).flatMap(datesOf);
  }

  /** The backups of a date that an archive holds. */
  async at(date: string): Promise<Backup[]> {
    const week = weekOf(date);
    if (!(await this.weeks()).includes(week)) return [];
    const members = (await this.#index(week))
      .filter((page) => page.date === date)
      .flatMap((page) => page.entries.map((entry) => memberOf(entry, date)))
      .filter((member) => member !== null);
    return backupsIn(this.#store.open(archiveKey({ is: "archive", week })), members);
  }

  async #list(): Promise<string[]> {
    const weeks: string[] = [];
    for await (const { key } of this.#store.list("weekly/")) {
      const ref = parseArchiveKey(key);
      if (ref?.is === "manifest") weeks.push(ref.week);
    }
    return weeks.sort();
  }

  async #index(week: string): Promise<IndexPage[]> {
    const pages = this.#pages.get(week) ?? this.#read(week);
    this.#pages.set(week, pages);
    return await pages;
  }

  async #read(week: string): Promise<IndexPage[]> {
    const manifest = await this.#store.text(archiveKey({ is: "manifest", week }));
    if (manifest === null) return [];
    const pages: IndexPage[] = [];
    for (const { key } of decodeArchiveManifest(manifest).pages) {
      const text = await this.#store.text(key);
      if (text !== null) pages.push(decodeIndexPage(text));
    }
    return pages;
  }
}

function memberOf(entry: IndexPage["entries"][number], date: string): Member | null {
  if (entry.kind === "sums") return null;
  const { kind, database, offset, stored } = entry;
  return { kind, date, database, offset, stored };
}
