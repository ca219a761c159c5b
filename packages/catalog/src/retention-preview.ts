import { judgeDumps } from "@patina/core/dump-retention";
import { policyFor, type RetentionPolicy } from "@patina/core/retention-policy";
import type { Catalog } from "./catalog.ts";
import { judgeArchives } from "./stored-archives.ts";
import { type DatabaseDumps, dumpsPage, storedDumps } from "./stored-dumps.ts";

/** What a prune would decide on one stored backup or archive. */
export interface PreviewEntry {
  readonly key: string;
  readonly kind: "daily" | "manual" | "weekly";
  /** Null for an archive. */
  readonly database: string | null;
  readonly date: string | null;
  readonly at: number;
  readonly bytes: number;
  readonly isKept: boolean;
  readonly reason: string;
  /** Backups that would be copied out of an archive first. */
  readonly toCopyOut: number;
}

/** The last entry of a page; archives come first and have an empty name. */
export interface PreviewPlace {
  readonly database: string;
  readonly key: string;
}

/**
 * What a prune would decide now, archives first, newest first, and then dumps by database and key.
 *
 * @param doubt why nothing would go; null when there is no such reason
 */
export async function previewRetention(
  catalog: Catalog,
  options: {
    policy: RetentionPolicy;
    now: number;
    doubt: string | null;
    filter: { readonly database?: string | undefined; readonly isKept?: boolean | undefined };
    after?: PreviewPlace | undefined;
    limit: number;
  },
): Promise<PreviewEntry[]> {
  const { doubt, filter, limit } = options;
  const found: PreviewEntry[] = [];
  for await (const entry of entriesOf(catalog, options)) {
    const decided = withDoubt(entry, doubt);
    if (filter.isKept !== undefined && decided.isKept !== filter.isKept) continue;
    found.push(decided);
    if (found.length >= limit) break;
  }
  return found;
}

/** Dumps that a part of a preview reads at once: some 4 MB. */
const PART_ROWS = 20_000;

/** A part of what a prune would decide: of as many databases as are read at once. */
export interface PreviewPart {
  readonly entries: readonly PreviewEntry[];
  /** The name behind which the next part begins; null in the last one. */
  readonly next: string | null;
}

/**
 * What a prune would decide now on everything that is stored, or on one database's dumps, so that it can be counted. Takes
 * five queries as long as the old archives hold less than 100,000 backups. The first part has the archives as well.
 *
 * @param doubt why nothing would go; null when there is no such reason
 */
export async function previewPart(
  catalog: Catalog,
  options: {
    policy: RetentionPolicy;
    now: number;
    doubt: string | null;
    database?: string | undefined;
    after?: string | undefined;
    partRows?: number;
  },
): Promise<PreviewPart> {
  const { policy, now, doubt, database, after, partRows = PART_ROWS } = options;
  const isWhole = database === undefined && after === undefined;
  const archives = isWhole ? await judgedArchives(catalog, { policy, now }) : [];
  const which = {
    pageRows: partRows,
    ...(database === undefined ? {} : { databases: [database] }),
    ...(after === undefined ? {} : { after }),
  };
  const { databases, next } = await dumpsPage(catalog, which);
  const entries = [...archives, ...databases.flatMap((group) => judgedDumps(group, { policy, now }))];
  return { entries: entries.map((entry) => withDoubt(entry, doubt)), next };
}

function withDoubt(entry: PreviewEntry, doubt: string | null): PreviewEntry {
  return doubt === null ? entry : { ...entry, isKept: true, reason: doubt, toCopyOut: 0 };
}

async function judgedArchives(
  catalog: Catalog,
  { policy, now }: { policy: RetentionPolicy; now: number },
): Promise<PreviewEntry[]> {
  const { judged } = await judgeArchives(catalog, { weeklyWeeks: policy.weeklyWeeks, now });
  const sorted = judged.toSorted((a, b) => (a.archive.key < b.archive.key ? 1 : -1));
  return sorted.map(({ archive: { key, at, bytes }, verdict: { isKept, reason }, alone }) => {
    const facts = { key, kind: "weekly", database: null, date: null, at, bytes } as const;
    return { ...facts, isKept, reason, toCopyOut: alone.length };
  });
}

async function* entriesOf(
  catalog: Catalog,
  { policy, now, filter, after }: Parameters<typeof previewRetention>[1],
): AsyncGenerator<PreviewEntry> {
  const { database } = filter;
  if (database === undefined && (after === undefined || after.database === "")) {
    const archives = await judgedArchives(catalog, { policy, now });
    yield* archives.filter(({ key }) => after === undefined || key < after.key);
  }
  const begun = after !== undefined && after.database !== "" ? after : null;
  const judge = (group: DatabaseDumps) => judgedDumps(group, { policy, now });
  if (begun !== null) {
    for await (const page of storedDumps(catalog, { databases: [begun.database] })) {
      yield* page.flatMap(judge).filter(({ key }) => key > begun.key);
    }
    if (database !== undefined) return;
  }
  const which = database === undefined ? { after: begun?.database ?? "" } : { databases: [database] };
  for await (const page of storedDumps(catalog, which)) yield* page.flatMap(judge);
}

function judgedDumps(
  { database, dumps, newestGood }: DatabaseDumps,
  { policy, now }: { policy: RetentionPolicy; now: number },
): PreviewEntry[] {
  const { weeklyWeeks } = policy;
  const verdicts = judgeDumps(dumps, { rule: policyFor(policy, database), now, weeklyWeeks, newestGood });
  const byKey = new Map(verdicts.map((verdict) => [verdict.key, verdict]));
  return dumps
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ key, kind, date, at, bytes }) => {
      const { isKept = true, reason = "" } = byKey.get(key) ?? {};
      return { key, kind, database, date, at, bytes, isKept, reason, toCopyOut: 0 };
    });
}
