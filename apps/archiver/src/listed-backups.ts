import { type BackupRef, dumpKey, parseKey } from "@patina/archive/keys";
import { decodeManifest, type Manifest } from "@patina/archive/manifest";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";

/** What lies in the bucket of one backup that has objects of its own. */
export interface ListedBackup {
  readonly ref: BackupRef;
  readonly dump: R2Object | null;
  readonly manifest: R2Object | null;
}

interface Listed {
  readonly backups: readonly ListedBackup[];
  /** The last key that is covered; null when there are no more. */
  readonly after: string | null;
}

/** Objects that are listed at once: dumps and manifests of half as many backups. R2 gives at most 1,000. */
const PAGE_OBJECTS = 500;

/** Backups behind a key, as many as fit into a page; never one without the other half of it. */
export async function listBackups(
  bucket: R2Bucket,
  { prefix, after }: { prefix: string; after: string | null },
): Promise<Listed> {
  const list = await asking(prefix, () =>
    bucket.list({ prefix, limit: PAGE_OBJECTS, ...(after === null ? {} : { startAfter: after }) }),
  );
  const backups = new Map<string, ListedBackup>();
  for (const object of list.objects) {
    const parsed = parseKey(object.key);
    if (parsed === null) continue;
    const { ref, is } = parsed;
    backups.set(dumpKey(ref), { ...(backups.get(dumpKey(ref)) ?? { ref, dump: null, manifest: null }), [is]: object });
  }
  const all = [...backups.values()];
  const last = list.objects.at(-1);
  if (!list.truncated || last === undefined) return { backups: all, after: null };
  // The manifest of a backup comes directly before its dump: a list may end between the two.
  const cut = parseKey(last.key)?.is === "manifest" ? all.pop() : undefined;
  return { backups: all, after: cut === undefined ? last.key : (list.objects.at(-2)?.key ?? after) };
}

/** A listed backup as its manifest has it, or why it is none, in words that follow its name. */
export type ReadBackup =
  | { readonly is: "good"; readonly manifest: Manifest; readonly own: OwnFile }
  | { readonly is: "bad"; readonly reason: string };

/** The manifest as an object. */
interface OwnFile {
  readonly key: string;
  readonly etag: string;
  readonly bytes: Uint8Array;
}

export async function readBackup({ ref, dump, manifest: listed }: ListedBackup, bucket: R2Bucket): Promise<ReadBackup> {
  const bad = (reason: string): ReadBackup => ({ is: "bad", reason });
  if (listed === null) return bad("it has no manifest");
  const { key } = listed;
  const stored = await asking(key, () => bucket.get(key));
  if (stored === null) return bad("it has no manifest");
  const bytes = new Uint8Array(await asking(key, () => stored.arrayBuffer()));
  let manifest: Manifest;
  try {
    manifest = decodeManifest(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof PatinaError && error.code === "manifest_invalid") return bad("its manifest cannot be read");
    throw error;
  }
  if (dump === null) return bad("its object is missing");
  if (manifest.object.etag !== dump.etag) return bad("its object is not the one that its manifest names");
  if (manifest.object.key !== dumpKey(ref)) return bad("its manifest is of another backup");
  return { is: "good", manifest, own: { key, etag: stored.etag, bytes } };
}
