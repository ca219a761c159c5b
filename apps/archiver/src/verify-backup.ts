import { createHash } from "node:crypto";
import { archiveKey, manifestKey, parseKey } from "@patina/archive/keys";
import { decodeManifest, faultOf, type Manifest } from "@patina/archive/manifest";
import { damageOf } from "@patina/archive/verification";
import { findMember } from "@patina/catalog/archive-members";
import type { Verified } from "@patina/catalog/verify-results";
import { findSubject, type Subject } from "@patina/catalog/verify-subjects";
import { PatinaError } from "@patina/core/error";
import { StatementCounter } from "@patina/dump/statement-counter";
import { asking } from "@patina/worker/bucket-error";
import { piecesOf } from "@patina/worker/object-pieces";
import { archivedManifest } from "./find-backup.ts";
import type { ArchiverContext } from "./upkeep.ts";

type World = Pick<ArchiverContext, "catalog" | "bucket" | "log">;

/**
 * What came of looking at one backup. `gone`: it was pruned or is being replaced meanwhile, so there is nothing to say.
 * `work` is bytes of SQL that were decompressed.
 */
export type Seen =
  | { readonly is: "seen"; readonly verified: Verified; readonly work: number }
  | { readonly is: "gone" };

/** Times that a backup is looked at before it is called damaged: what travels may be damaged on its way once. */
const LOOKS = 2;

/** Times that a backup which others write meanwhile is looked at anew. */
const MAX_LOOKS = 5;

/**
 * Reads one stored dump from end to end, and its manifest. It is called damaged when two readings in a row say so, while
 * the catalog says that it should be there and that nobody is writing it: neither a prune nor a new export makes damage.
 *
 * @throws {PatinaError} `bucket_unavailable`: nothing is known of the backup then
 */
export async function verifyBackup(subject: Subject, world: World): Promise<Seen> {
  let current = subject;
  let bad = 0;
  for (let look = 1; look <= MAX_LOOKS; look += 1) {
    const { damage, work, etag } = await lookAt(current, world);
    // The object that was read may be a newer one than the catalog knows.
    if (damage === null) return seen({ ...current, etag }, { damage, work });
    const now = await stillThere(current, world);
    if (now === null) return { is: "gone" };
    if (now.etag === current.etag) {
      bad += 1;
      if (bad === LOOKS) return seen(current, { damage, work });
    } else {
      current = now;
      bad = 0;
    }
  }
  return { is: "gone" };
}

function seen(subject: Subject, { damage, work }: Pick<Look, "damage" | "work">): Seen {
  const { is, key, etag, week } = subject;
  const holder = week === null ? key : archiveKey({ is: "archive", week });
  // One archive holds many dumps, each of which is told of.
  const content = is === "member" ? createHash("md5").update(`${etag} ${key}`).digest("hex") : etag;
  return { is: "seen", verified: { subject, damage, holder, content }, work };
}

/** The subject as it is now; null when it is gone, or is being written at this moment. */
async function stillThere(subject: Subject, { catalog }: World): Promise<Subject | null> {
  const { is, key, database, date } = subject;
  if (is !== "member") {
    const now = await findSubject(catalog, key);
    return now === undefined || now.isBusy ? null : now;
  }
  const found = database === null ? undefined : await findMember(catalog, { date, database });
  return found === undefined ? null : { ...subject, etag: found.etag };
}

interface Look {
  readonly damage: string | null;
  readonly work: number;
  /** Of the object that was read. */
  readonly etag: string;
}

/** Where a dump lies: `length` bytes of an object from `offset` on; all of it when there is no range. */
interface Place {
  readonly key: string;
  readonly etag: string;
  readonly range?: { readonly offset: number; readonly length: number };
}

async function lookAt(subject: Subject, world: World): Promise<Look> {
  const { etag } = subject;
  try {
    const found = subject.is === "member" ? await readMember(subject, world) : await readOwn(subject, world);
    if (typeof found === "string") return { damage: found, work: 0, etag };
    const { manifest, place } = found;
    const wrong = mismatchOf(manifest, subject);
    if (wrong !== null) return { damage: wrong, work: 0, etag };
    return { damage: await read(manifest, { place, ...world }), work: manifest.sql.bytes, etag: place.etag };
  } catch (error) {
    const isDamage = error instanceof PatinaError && /^(?:manifest_invalid|backup_damaged)$/.test(error.code);
    if (!isDamage) throw error;
    return { damage: error.message, work: 0, etag };
  }
}

/** A backup that is an object of its own; or what is wrong with its manifest. */
async function readOwn(
  { key }: Subject,
  { bucket }: World,
): Promise<{ readonly manifest: Manifest; readonly place: Place } | string> {
  const parsed = parseKey(key);
  if (parsed === null) return "Its key is none of a backup";
  const own = manifestKey(parsed.ref);
  const stored = await asking(own, () => bucket.get(own));
  if (stored === null) return "Its manifest is missing";
  const text = await asking(own, () => stored.text());
  const manifest = decodeManifest(text);
  const fault = faultOf(text, manifest);
  return fault ?? { manifest, place: { key, etag: manifest.object.etag } };
}

async function readMember(
  { database, date }: Subject,
  { catalog, bucket }: World,
): Promise<{ readonly manifest: Manifest; readonly place: Place } | string> {
  const found = database === null ? undefined : await findMember(catalog, { date, database });
  const text = found === undefined ? null : await archivedManifest(found, bucket);
  if (found === undefined || text === null) return "The archive that holds it is missing, or is another one";
  const manifest = decodeManifest(text);
  const { week, offset, bytes } = found.member;
  const key = archiveKey({ is: "archive", week });
  return faultOf(text, manifest) ?? { manifest, place: { key, etag: found.etag, range: { offset, length: bytes } } };
}

/** In what a manifest is not that of the backup that the catalog knows. */
function mismatchOf({ database, date, job, object, rows, tables }: Manifest, subject: Subject): string | null {
  if (object.key !== subject.key || database !== subject.database || date !== subject.date) {
    return `Its manifest is that of another backup, "${object.key}"`;
  }
  if (tables.reduce((sum, table) => sum + table.rows, 0) !== rows) return "Its manifest contradicts itself";
  // Of another object than the catalog knows, the manifest alone says what it should be: a result may be on its way.
  if (subject.is === "member" || object.etag !== subject.etag) return null;
  const isSame = object.bytes === subject.bytes && object.sha256 === subject.digest && job === subject.job;
  return isSame ? null : "Its manifest says something else than it said when it was made";
}

async function read(manifest: Manifest, { place, bucket }: { place: Place; bucket: R2Bucket }): Promise<string | null> {
  const { key, etag, range } = place;
  const object = await asking(key, () =>
    bucket.get(key, { onlyIf: { etagMatches: etag }, ...(range === undefined ? {} : { range }) }),
  );
  if (object === null) return "The object is missing";
  if (!("body" in object)) return "Another object lies in its place than the one that its manifest names";
  const stored = piecesOf(object.body, { key, length: range?.length ?? object.size });
  return await damageOf(manifest, { stored, counter: new StatementCounter() });
}
