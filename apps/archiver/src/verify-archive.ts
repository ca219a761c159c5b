import { createHash } from "node:crypto";
import { type ArchiveManifest, decodeArchiveManifest, decodeIndexPage } from "@patina/archive/archive-index";
import { archiveKey } from "@patina/archive/keys";
import { type ArchivePage, archivePagesOf } from "@patina/catalog/archives";
import { lostArchive } from "@patina/catalog/damage";
import {
  type DamagedMember,
  damagedMembers,
  type MemberRef,
  markAllMembers,
  type Verified,
} from "@patina/catalog/verify-results";
import { findSubject, type Subject } from "@patina/catalog/verify-subjects";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import { type Difference, endDifferences, pageDifferences } from "./check-archive.ts";
import { secondTry } from "./second-try.ts";
import { StoredLayout } from "./stored-layout.ts";
import type { ArchiverContext } from "./upkeep.ts";

const NO_MANIFEST = "Its manifest is missing";

/** What was found in one page of an archive. */
interface PageFound {
  /** Pages that are done with it. */
  readonly page: number;
  /** Bytes that were read. */
  readonly bytes: number;
  /** What is wrong, a sentence each; nothing of the dumps, which are in `damaged`. */
  readonly differences: readonly string[];
  readonly damaged: readonly MemberRef[];
}

/** How far a verification of an archive came; `gone`: it was pruned or made anew meanwhile. */
export type ArchiveSeen = { readonly is: "seen"; readonly verified: Verified } | { readonly is: "gone" | "paused" };

export interface ArchiveRun {
  /** Pages that were done before. */
  readonly page: number;
  /** What was found in them. */
  readonly differences: readonly string[];
  /** Keeps what was found in a page: it is not read again. */
  note(found: PageFound): Promise<void>;
}

/**
 * Reads an archive from end to end, against its manifest and its index, page by page as it was checked when it was made.
 * Stops when the budget is spent.
 */
export async function verifyArchive(subject: Subject, run: ArchiveRun, context: ArchiverContext): Promise<ArchiveSeen> {
  const { week, key, etag } = subject;
  if (week === null) throw new TypeError(`Cannot verify "${key}" as an archive: it is of no week`);
  const differences = [...run.differences];
  const opened = await secondTry(() => openArchive(subject, { week, context }));
  if (typeof opened === "string") {
    if (!(await isStill(subject, context))) return { is: "gone" };
    return await conclude(subject, { week, differences: [opened], context });
  }
  const { layout } = opened;
  const archive = { object: { key, etag }, layout, bucket: context.bucket };
  for (let number = run.page; number < layout.pages.length; number += 1) {
    // One page is always read, so that a run comes further however little it is given.
    if (context.budget.isSpent && number > run.page) return { is: "paused" };
    const found = await twice(() => pageDifferences(number, archive));
    if (found.length > 0 && !(await isStill(subject, context))) return { is: "gone" };
    const start = layout.pages[number]?.start ?? 0;
    const bytes = (layout.pages[number + 1]?.start ?? subject.bytes) - start;
    const page = { page: number + 1, bytes, differences: othersOf(found), damaged: membersOf(found) };
    differences.push(...page.differences);
    await run.note(page);
    context.budget.spend({ queries: 4, requests: 3 });
  }
  const end = await twice(() => endDifferences(archive));
  if (end.length > 0 && !(await isStill(subject, context))) return { is: "gone" };
  return await conclude(subject, { week, differences: [...differences, ...othersOf(end)], context });
}

/** Looks again at what was found to differ: what travels may be damaged on its way once. */
async function twice(look: () => Promise<Difference[]>): Promise<(Difference | PatinaError)[]> {
  const first = await differences(look);
  return first.length === 0 ? first : await differences(look);
}

/** A page of the index that is not as it was written, or an archive that is not there, is a difference as well. */
async function differences(look: () => Promise<Difference[]>): Promise<(Difference | PatinaError)[]> {
  try {
    return await secondTry(look);
  } catch (error) {
    if (error instanceof PatinaError && error.code === "archive_outdated") return [error];
    throw error;
  }
}

/** The layout of an archive by its own manifest; or what is wrong with that, or with the object. */
async function openArchive(
  subject: Subject,
  { week, context }: { week: string; context: ArchiverContext },
): Promise<{ readonly layout: StoredLayout } | string> {
  const { bucket } = context;
  const key = archiveKey({ is: "manifest", week });
  const stored = await asking(key, () => bucket.get(key));
  if (stored === null) return NO_MANIFEST;
  let manifest: ArchiveManifest;
  try {
    manifest = decodeArchiveManifest(await asking(key, () => stored.text()));
  } catch (error) {
    if (error instanceof PatinaError && error.code === "manifest_invalid") return error.message;
    throw error;
  }
  const { object, digest, pages } = manifest;
  const isSame = object.etag === subject.etag && object.bytes === subject.bytes && digest === subject.digest;
  const own = createHash("sha256")
    .update(pages.map(({ sha256 }) => sha256).join(""))
    .digest("hex");
  if (!isSame || own !== digest) return "Its manifest says something else than it said when it was made";
  if (!(await isThere(subject, context))) return "The object is missing, or is another one";
  const dated = await datedPages(manifest, { week, context });
  if (typeof dated === "string") return dated;
  return { layout: new StoredLayout(bucket, { archive: { week, bytes: object.bytes }, pages: dated }) };
}

/** The pages of an archive with their dates: from the catalog, or, when that was rebuilt, from the pages themselves. */
async function datedPages(
  { pages }: ArchiveManifest,
  { week, context }: { week: string; context: ArchiverContext },
): Promise<ArchivePage[] | string> {
  const known = await archivePagesOf(context.catalog, week);
  const dated: ArchivePage[] = [];
  for (const [number, { key, start, entries, sha256: digest }] of pages.entries()) {
    const kept = known[number];
    if (kept?.digest === digest) {
      dated.push(kept);
      continue;
    }
    const stored = await asking(key, () => context.bucket.get(key));
    if (stored === null) return `Page "${key}" of its index is missing`;
    try {
      const { date } = decodeIndexPage(await asking(key, () => stored.text()));
      dated.push({ week, number, date, start, entries, digest });
    } catch (error) {
      if (error instanceof PatinaError && error.code === "manifest_invalid") return `${error.message}, of "${key}"`;
      throw error;
    }
  }
  return dated;
}

async function isThere({ key, etag }: Subject, { bucket }: ArchiverContext): Promise<boolean> {
  return (await asking(key, () => bucket.head(key)))?.etag === etag;
}

/** Whether the catalog still has the archive as it was when the run came to it. */
async function isStill({ key, etag }: Subject, { catalog }: ArchiverContext): Promise<boolean> {
  return (await findSubject(catalog, key))?.etag === etag;
}

function membersOf(found: readonly (Difference | PatinaError)[]): MemberRef[] {
  return found.flatMap((one) => ("member" in one && one.member !== null ? [one.member] : []));
}

function othersOf(found: readonly (Difference | PatinaError)[]): string[] {
  return found.flatMap((one) => {
    if (!("member" in one)) return [one.message];
    return one.member === null ? [`It differs from its index ${one.message}`] : [];
  });
}

/** Dumps that are named, of those that are damaged, and other differences. */
const NAMED = 10;
const NAMED_DIFFERENCES = 3;

async function conclude(
  subject: Subject,
  { week, differences, context }: { week: string; differences: readonly string[]; context: ArchiverContext },
): Promise<ArchiveSeen> {
  const isGone = differences.length > 0 && !(await isThere(subject, context));
  if (isGone) await markAllMembers(context.catalog, { week, now: context.clock() });
  const members = await damagedMembers(context.catalog, week);
  const { key, etag } = subject;
  const sentences = [...describe(members), ...differences.slice(0, NAMED_DIFFERENCES)];
  const rest = differences.length - NAMED_DIFFERENCES;
  if (rest > 0) sentences.push(`It differs in ${rest} more places`);
  const damage = sentences.length === 0 ? null : sentences.join(". ");
  const lost = isGone ? "archive" : differences.includes(NO_MANIFEST) ? "manifest" : null;
  const content = lost === null ? damagedParts(etag, { members, differences }) : lostArchive(etag, lost);
  return { is: "seen", verified: { subject, damage, holder: key, content } };
}

/** Stands for what of an archive is damaged, whoever finds it: the same is told once. */
export function damagedParts(
  etag: string,
  { members, differences }: { members: readonly DamagedMember[]; differences: readonly string[] },
): string {
  return createHash("md5")
    .update(JSON.stringify([etag, members, differences]))
    .digest("hex");
}

/** The dumps that cannot be had from the archive any more; those that it alone held come first. */
function describe(members: readonly DamagedMember[]): string[] {
  if (members.length === 0) return [];
  const lost = members.filter(({ isElsewhere }) => !isElsewhere);
  const copied = members.filter(({ isElsewhere }) => isElsewhere);
  return [
    `${members.length} of the backups in it ${members.length === 1 ? "is" : "are"} damaged`,
    ...(lost.length === 0 ? [] : [`It alone holds ${named(lost)}`]),
    ...(copied.length === 0 ? [] : [`Stored elsewhere as well: ${named(copied)}`]),
  ];
}

function named(members: readonly MemberRef[]): string {
  const shown = members.slice(0, NAMED).map(({ database, date }) => `${database} of ${date}`);
  const more = members.length > NAMED ? ` and ${members.length - NAMED} more` : "";
  return `${shown.join(", ")}${more}`;
}
