import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { archiveKey, manifestKey, parseKey } from "@patina/archive/keys";
import { decodeManifest, type Manifest } from "@patina/archive/manifest";
import { type ArchiveMember, findMember } from "@patina/catalog/archive-members";
import { inventoryOf } from "@patina/catalog/bucket-facts";
import { copyStatement, mismatchStatements, requestStatements } from "@patina/catalog/damage";
import type { PrunePlan, PruneStep } from "@patina/catalog/prune-plans";
import { noteSteps, openSteps, type StepEnd } from "@patina/catalog/prune-steps";
import { adoptStatement, finishedStatement } from "@patina/catalog/pruning";
import { uploadsOf } from "@patina/catalog/uploads";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import { abortUploads, StoredObject, unchanged } from "@patina/worker/stored-object";
import { PinnedBytes } from "../pinned-bytes.ts";
import type { ArchiverContext } from "../upkeep.ts";
import { damagedParts } from "../verify-archive.ts";

/**
 * Copies backups out of archives, as dailies of their dates: the dump first, by a range read, then its manifest, then the
 * inventory's row. The archive goes with a later plan, which finds the copy.
 *
 * @returns whether all of it is done
 */
export async function rescueBackups(plan: PrunePlan, context: ArchiverContext): Promise<boolean> {
  const { catalog, budget, clock } = context;
  do {
    const [step] = await openSteps(catalog, { plan: plan.id, action: "rescue", limit: 1 });
    if (step === undefined) return true;
    const { end, statements } = await rescue(step, context);
    await noteSteps(catalog, { plan: plan.id, ends: [end], statements, now: clock() });
    budget.spend({ queries: 10, requests: 8 });
  } while (!budget.isSpent);
  return false;
}

/** The stored dump of a backup inside an archive, and what its manifest says of it. */
interface Archived {
  readonly key: string;
  readonly etag: string;
  readonly member: ArchiveMember;
  readonly manifest: Manifest;
  /** The manifest as it is in the archive, with what this version does not know. */
  readonly document: { readonly object: object };
}

/** How a rescue ended, and what is true by that. */
interface Rescued {
  readonly end: StepEnd;
  readonly statements: ReturnType<typeof mismatchStatements>;
}

async function rescue({ key }: PruneStep, context: ArchiverContext): Promise<Rescued> {
  const { catalog, clock } = context;
  const skipped = (note: string, statements: Rescued["statements"] = []): Rescued => {
    return { end: { key, state: "skipped", note }, statements };
  };
  const ref = parseKey(key)?.ref;
  const found = ref === undefined ? undefined : await findMember(catalog, ref);
  if (ref?.kind !== "daily" || found === undefined) return skipped("no archive holds it any more");
  const { member, etag } = found;
  const [row] = await inventoryOf(catalog, { keys: [key] });
  if (row !== undefined && row.deletedAt === null && row.damagedAt === null) return skipped("it is stored by now");
  const archive = archiveKey({ is: "archive", week: member.week });
  const object = await asking(archive, () => context.bucket.head(archive));
  if (object?.etag !== etag) return skipped(`${archive} is not there any more`);
  const opened = await openMember({ key: archive, etag, member }, context.bucket);
  if (opened === null) return skipped(`the manifest in ${archive} is not its own`);
  const copy = await copyDump(opened, { to: key, context });
  if (copy === null) {
    const { date, database } = member;
    const damage = `${date}/${database} is not what it was when the archive was made`;
    const now = clock();
    // It is copied out because nothing else holds it.
    const content = damagedParts(etag, { members: [{ database, date, isElsewhere: false }], differences: [] });
    return skipped(`${archive} is damaged`, [
      ...mismatchStatements({ key: archive, etag, database: null, damage, content, now }),
      copyStatement({ ...member, now }),
      ...requestStatements({
        id: `verify:${etag}:${database}`,
        database,
        reason: `A prune found ${archive} damaged`,
        now,
      }),
    ]);
  }
  await putManifest(opened, { to: manifestKey(ref), dump: key, etag: copy, context });
  const { manifest } = opened;
  const finishedAt = Date.parse(manifest.finishedAt);
  const statements = [
    adoptStatement({
      ...ref,
      key,
      etag: copy,
      job: manifest.job,
      size: member.bytes,
      digest: member.digest,
      createdAt: finishedAt,
      verifiedAt: clock(),
    }),
    finishedStatement({ ...ref, finishedAt }),
  ];
  return { end: { key, state: "done" }, statements };
}

/** @returns null when the manifest beside the dump is not the dump's own */
async function openMember(
  { key, etag, member }: { key: string; etag: string; member: ArchiveMember },
  bucket: R2Bucket,
): Promise<Archived | null> {
  const range = { offset: member.manifestOffset, length: member.manifestBytes };
  const packed = await PinnedBytes.open(bucket, { key, etag, ...range });
  const bytes = await packed.take(range.length);
  await packed.close();
  try {
    const text = Buffer.from(gunzipSync(bytes)).toString();
    const manifest = decodeManifest(text);
    const { object, database, date } = manifest;
    const isOwn = object.sha256 === member.digest && database === member.database && date === member.date;
    return isOwn ? { key, etag, member, manifest, document: JSON.parse(text) } : null;
  } catch {
    // Bytes that do not decompress, or that are no manifest.
    return null;
  }
}

/**
 * Copies the dump, unless it is there already, and checks its digest on the way: nothing is visible before that is right.
 *
 * @returns the etag of the copy; null when the archive does not give back what it held
 */
async function copyDump(
  { key, etag, member }: Archived,
  { to, context }: { to: string; context: ArchiverContext },
): Promise<string | null> {
  const { bucket, catalog, clock } = context;
  const uploads = uploadsOf(catalog, { key: to, clock });
  await abortUploads(bucket, { key: to, uploads });
  const there = await asking(to, () => bucket.head(to));
  if (there !== null && isSame(there, member)) return there.etag;
  const state = { seen: there?.etag ?? null, uploadId: null, parts: [], rest: new Uint8Array() };
  const copy = new StoredObject(bucket, { key: to, uploads, state });
  const source = await PinnedBytes.open(bucket, { key, etag, offset: member.offset, length: member.bytes });
  try {
    const hash = createHash("sha256");
    for (let left = member.bytes; left > 0; ) {
      const piece = await source.take(Math.min(left, PIECE_BYTES));
      if (piece.length === 0) break;
      hash.update(piece);
      await copy.write(piece);
      left -= piece.length;
    }
    if (hash.digest("hex") !== member.digest) {
      await copy.abandon();
      return null;
    }
    return await copy.finish();
  } catch (error) {
    await copy.abandon();
    throw error;
  } finally {
    await source.close();
  }
}

const PIECE_BYTES = 1_048_576;

/** Whether an object is the dump, as R2 itself has computed: it keeps the digest of what was put in one piece. */
function isSame({ size, checksums }: R2Object, { bytes, digest }: ArchiveMember): boolean {
  return size === bytes && checksums.sha256 !== undefined && Buffer.from(checksums.sha256).toString("hex") === digest;
}

/** Writes the manifest as it was, of the new object: from now on there is a backup. */
async function putManifest(
  { document }: Archived,
  options: { to: string; dump: string; etag: string; context: ArchiverContext },
): Promise<void> {
  const { to, dump, etag, context } = options;
  const { bucket } = context;
  const seen = await asking(to, () => bucket.head(to));
  const text = `${JSON.stringify({ ...document, object: { ...document.object, key: dump, etag } }, null, 2)}\n`;
  const stored = await asking(to, () =>
    bucket.put(to, text, {
      onlyIf: unchanged(seen?.etag ?? null),
      httpMetadata: { contentType: "application/json" },
    }),
  );
  if (stored === null) {
    throw new PatinaError("lease_lost", `Cannot store manifest "${to}": somebody else has written it meanwhile`);
  }
}
