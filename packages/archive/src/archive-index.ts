import { PatinaError } from "@patina/core/error";
import { isWeek } from "@patina/core/week";
import * as v from "valibot";
import { JobFacts } from "./catalog-facts.ts";

/**
 * What a weekly archive says of itself: a manifest, and beside it an index in pages, so that nobody ever needs all of it
 * in memory. The pages are written before the first byte of the archive and are its plan. The format is
 * docs/format/archive.md.
 */

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const CalendarDate = v.pipe(v.string(), v.isoDate());
const Time = v.pipe(v.string(), v.isoTimestamp());
const Week = v.pipe(v.string(), v.check(isWeek, "not a week"));

/** A daily backup that is not in the archive. */
const Missing = v.object({ date: CalendarDate, database: v.string(), reason: v.string() });
export type Missing = v.InferOutput<typeof Missing>;

/** The object that a file was copied from, as it was seen when the archive was planned. */
const Origin = v.object({ key: v.string(), etag: v.string(), bytes: Count, sha256: Sha256 });

const Indexed = v.object({
  path: v.string(),
  /** Bytes of the file, and their digest. */
  size: Count,
  sha256: v.nullable(Sha256),
  /** Seconds since the epoch. */
  modified: Count,
  /** Where in the archive the gzip data is that holds the file, and how much of it. */
  offset: Count,
  stored: Count,
});

/** A file of an archive. SHA256SUMS is made from the others of its date and has no digest of its own. */
const IndexEntry = v.variant("kind", [
  v.object({
    kind: v.literal("dump"),
    database: v.string(),
    ...Indexed.entries,
    sha256: Sha256,
    /** When the backup was finished, as its manifest says; absent in indexes of before it was written. */
    finishedAt: v.optional(Time),
    origin: Origin,
  }),
  v.object({ kind: v.literal("manifest"), database: v.string(), ...Indexed.entries, sha256: Sha256, origin: Origin }),
  v.object({ kind: v.literal("sums"), ...Indexed.entries, sha256: v.null() }),
]);
export type IndexEntry = v.InferOutput<typeof IndexEntry>;

export const IndexPage = v.object({
  patina: v.literal("archive-index"),
  format: v.literal(1),
  week: Week,
  number: Count,
  date: CalendarDate,
  /** The bytes of the archive that hold this page's files. */
  start: Count,
  end: Count,
  entries: v.array(IndexEntry),
  leftOut: v.array(Missing),
});
export type IndexPage = v.InferOutput<typeof IndexPage>;

export const ArchiveManifest = v.object({
  patina: v.literal("archive"),
  format: v.literal(1),
  week: Week,
  environment: v.string(),
  job: v.string(),
  startedAt: Time,
  /** When the archive had been read back, every byte of it. */
  verifiedAt: Time,
  object: v.object({ key: v.string(), bytes: Count, etag: v.string(), partBytes: Count }),
  /** SHA-256 over the digests of the pages, in their order, in lower-case hexadecimal. */
  digest: Sha256,
  /** Daily backups inside, their rows' worth of SQL in bytes. */
  backups: Count,
  rawBytes: Count,
  pages: v.array(v.object({ key: v.string(), start: Count, entries: Count, sha256: Sha256 })),
  missing: v.array(Missing),
  /** What the catalog said of the weekly job; absent in manifests of before it was written. */
  catalog: v.optional(v.object({ job: v.omit(JobFacts, ["databases", "replayOf"]) })),
});
export type ArchiveManifest = v.InferOutput<typeof ArchiveManifest>;

/** How many of the backups that an archive lacks are named in its job; the manifest names all. */
const NAMED = 10;

/** What an archive lacks of its week, in a sentence; null when it lacks nothing. */
export function lacking({ missing }: ArchiveManifest): string | null {
  if (missing.length === 0) return null;
  const named = missing.slice(0, NAMED).map(({ database, date }) => `${database} of ${date}`);
  const more = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : "";
  return `The archive lacks ${missing.length}: ${named.join(", ")}${more}`;
}

/** An index page or a manifest as the text that is stored. */
export function encodeArchive(document: IndexPage | ArchiveManifest): string {
  return `${JSON.stringify(document, null, 1)}\n`;
}

/** @throws {PatinaError} `manifest_invalid` when the text is no index page that this code knows */
export function decodeIndexPage(text: string): IndexPage {
  return decode(IndexPage, { text, what: "index page" });
}

/** @throws {PatinaError} `manifest_invalid` when the text is no archive's manifest that this code knows */
export function decodeArchiveManifest(text: string): ArchiveManifest {
  return decode(ArchiveManifest, { text, what: "archive manifest" });
}

function decode<S extends v.GenericSchema>(schema: S, { text, what }: { text: string; what: string }) {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new PatinaError("manifest_invalid", `Cannot read ${what}: it is no JSON`, { cause });
  }
  const read = v.safeParse(schema, json);
  if (read.success) return read.output;
  const [issue] = read.issues;
  const place = (issue.path ?? []).map((item) => String(item.key)).join("/");
  throw new PatinaError("manifest_invalid", `Cannot read ${what}: wrong at /${place}`);
}
