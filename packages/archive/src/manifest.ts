import { createHash } from "node:crypto";
import { PatinaError } from "@patina/core/error";
import { CONSISTENCIES } from "@patina/core/job";
import * as v from "valibot";
import { CatalogFacts } from "./catalog-facts.ts";

/**
 * The JSON beside a dump that makes it a backup: a dump without its manifest does not count. It says everything that
 * the catalog says, so that the bucket alone can rebuild the catalog. The format is docs/format/manifest.md; readers
 * accept every version that was ever written.
 */

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Time = v.pipe(v.string(), v.isoTimestamp());

const Table = v.object({
  name: v.string(),
  rows: Count,
  digest: Sha256,
  /** What SQLite counted of each stored column. */
  columns: v.pipe(v.array(v.object({ name: v.string(), fingerprint: v.string() })), v.readonly()),
  start: Count,
  end: Count,
  /** Where its AUTOINCREMENT stands, as text; absent without one, and where nobody can say which one the dump holds. */
  counter: v.optional(v.string()),
});

/** What the schema consists of, as SQLite says it: a definition that the dump lost shows by this. */
const Schema = v.object({
  sha256: Sha256,
  definitions: v.pipe(
    v.array(v.object({ type: v.string(), name: v.string(), table: v.string(), sha256: Sha256 })),
    v.readonly(),
  ),
});

export const Manifest = v.object({
  patina: v.literal("manifest"),
  format: v.literal(1),
  database: v.string(),
  environment: v.string(),
  job: v.string(),
  generation: Count,
  kind: v.picklist(["daily", "manual"]),
  date: v.pipe(v.string(), v.isoDate()),
  startedAt: Time,
  finishedAt: Time,
  /** When the stored object had been read back, which it is before there is a manifest; absent in old ones. */
  verifiedAt: v.optional(Time),
  mode: v.picklist(["snapshot", "paged"]),
  consistency: v.picklist(CONSISTENCIES),
  /** The stored object, as it lies in the bucket. */
  object: v.object({
    key: v.string(),
    bytes: Count,
    sha256: Sha256,
    etag: v.string(),
  }),
  /** The SQL inside it. `body` is the part between header and footer: the same data gives the same digest of it. */
  sql: v.object({
    format: v.literal(1),
    bytes: Count,
    sha256: Sha256,
    /** How many there are, as splitStatements() counts; absent in old manifests. */
    statements: v.optional(Count),
    body: v.object({ start: Count, end: Count, sha256: Sha256 }),
  }),
  rows: Count,
  tables: v.array(Table),
  /** Absent in manifests of before it was written. */
  schema: v.optional(Schema),
  /** Where decompression may begin: offset in the object, offset in the SQL. */
  restartPoints: v.array(v.tuple([Count, Count])),
  /** What was replaced or left out on purpose; absent when everything was carried as it is. */
  rules: v.optional(
    v.object({
      redactions: v.array(
        v.object({
          table: v.string(),
          column: v.string(),
          as: v.picklist(["null", "text", "digest"]),
          /** What stands in place of every value; only of "text", and absent in old manifests. */
          text: v.optional(v.string()),
        }),
      ),
      excludedTables: v.array(v.string()),
      /** Digests of two backups can be compared when these are equal; null when no key was used. */
      keyId: v.nullable(v.string()),
    }),
  ),
  /** What the dump could not carry, a sentence each. */
  warnings: v.array(v.string()),
  queries: Count,
  rowsRead: Count,
  /** Absent in manifests of before it was written, and in those of dumps that no job made. */
  catalog: v.optional(CatalogFacts),
});
export type Manifest = v.InferOutput<typeof Manifest>;

/** The manifest as the text that is stored. It ends with the digest of all that stands before. */
export function encodeManifest(manifest: Manifest): string {
  const text = JSON.stringify(v.parse(Manifest, manifest), null, 2).slice(0, -"\n}".length);
  return `${text},\n  "digest": "${sha256(text)}"\n}\n`;
}

const DIGEST = /,\n {2}"digest": "([0-9a-f]{64})"\n\}\n$/;

/**
 * What a stored text says against itself: that it is not as it was written. Null when nothing does. Manifests that do not
 * say when their object was read back are older than the digest and may lack it.
 */
export function faultOf(text: string, { verifiedAt }: Manifest): string | null {
  const found = DIGEST.exec(text);
  if (found === null) return verifiedAt === undefined ? null : "The digest of its manifest is gone";
  return sha256(text.slice(0, found.index)) === found[1] ? null : "Its manifest was changed after it was written";
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/**
 * Reads a stored manifest.
 *
 * @throws {PatinaError} `manifest_invalid` when it is none, or of a version that this code does not know
 */
export function decodeManifest(text: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new PatinaError("manifest_invalid", "Cannot read manifest: it is no JSON", { cause });
  }
  const read = v.safeParse(Manifest, json);
  if (read.success) return read.output;
  const [issue] = read.issues;
  const place = (issue.path ?? []).map((item) => String(item.key)).join("/");
  throw new PatinaError("manifest_invalid", `Cannot read manifest: wrong at /${place}`);
}
