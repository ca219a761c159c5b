import {
  type ArchiveRef,
  type BackupRef,
  parseArchiveKey,
  parseCheckpointKey,
  parseKey,
  parseSumsKey,
} from "./keys.ts";
import { parseReceiptKey } from "./receipt.ts";

/** An object as the bucket lists it. */
export interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly uploaded: number;
}

/** Objects that belong together: they are listed one behind the other, and judged as one. */
export type BucketUnit =
  | {
      readonly is: "backup";
      readonly ref: BackupRef;
      readonly dump: ListedObject | null;
      readonly manifest: ListedObject | null;
    }
  | {
      readonly is: "archive";
      readonly week: string;
      readonly archive: ListedObject | null;
      readonly manifest: ListedObject | null;
      readonly pages: readonly ListedObject[];
    }
  | { readonly is: "sums"; readonly date: string; readonly object: ListedObject }
  | { readonly is: "checkpoint"; readonly job: string; readonly database: string; readonly object: ListedObject }
  | { readonly is: "receipt"; readonly date: string; readonly object: ListedObject }
  /** Something that Patina does not write. */
  | { readonly is: "foreign"; readonly object: ListedObject };

/** What an object belongs to: the same for all objects of a unit. */
export function unitName(key: string): string {
  const own = parseKey(key);
  if (own !== null) return key.slice(0, key.lastIndexOf(".", key.lastIndexOf(".") - 1));
  const archived = parseArchiveKey(key);
  return archived === null ? key : `weekly/${archived.week}`;
}

/** What the keys of all objects begin with that this one belongs to; seldom those of others, too. */
export function unitPrefix(key: string): string {
  const name = unitName(key);
  return name === key ? key : `${name}.`;
}

/** The units of objects that were listed in the order of their keys, each of them whole. */
export function unitsOf(objects: readonly ListedObject[]): BucketUnit[] {
  return [...Map.groupBy(objects, ({ key }) => unitName(key)).values()].map(unitOf);
}

function unitOf(objects: readonly ListedObject[]): BucketUnit {
  const [object] = objects;
  if (object === undefined) throw new TypeError("Cannot make a unit of no object");
  const { key } = object;
  const own = parseKey(key);
  if (own !== null) {
    const half = (is: "dump" | "manifest") => objects.find((one) => parseKey(one.key)?.is === is) ?? null;
    return { is: "backup", ref: own.ref, dump: half("dump"), manifest: half("manifest") };
  }
  const archived = parseArchiveKey(key);
  if (archived !== null) {
    const all = (is: ArchiveRef["is"]) => objects.filter((one) => parseArchiveKey(one.key)?.is === is);
    const [archive = null, manifest = null] = [all("archive")[0], all("manifest")[0]];
    return { is: "archive", week: archived.week, archive, manifest, pages: all("page") };
  }
  const date = parseSumsKey(key);
  if (date !== null) return { is: "sums", date, object };
  const checkpoint = parseCheckpointKey(key);
  if (checkpoint !== null) return { is: "checkpoint", ...checkpoint, object };
  const receipt = parseReceiptKey(key);
  return receipt === null ? { is: "foreign", object } : { is: "receipt", date: receipt.date, object };
}
