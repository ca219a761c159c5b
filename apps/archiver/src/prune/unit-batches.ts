import { type BucketUnit, type ListedObject, unitName, unitsOf } from "@patina/archive/bucket-unit";
import { archiveKey, dumpKey } from "@patina/archive/keys";
import { asking } from "@patina/worker/bucket-error";

/** A list request gives at most so many objects (developers.cloudflare.com/r2/api/workers/workers-api-reference). */
const PAGE_OBJECTS = 1_000;

/** Some of what lies in the bucket, in the order of its keys. */
export interface UnitBatch {
  readonly units: readonly BucketUnit[];
  readonly objects: number;
  /** Everything up to this key has been listed; null behind the last batch. */
  readonly end: string | null;
}

/** Lists the bucket behind a key, batch by batch, each of whole units. A batch takes a request, seldom more. */
export async function* unitBatches(bucket: R2Bucket, after: string | null): AsyncGenerator<UnitBatch> {
  let carried: ListedObject[] = [];
  let place: R2ListOptions = after === null ? {} : { startAfter: after };
  for (;;) {
    const page = await asking("", () => bucket.list({ limit: PAGE_OBJECTS, ...place }));
    const objects = [...carried, ...page.objects.map(describe)];
    // What the last object belongs to may go on in the next page.
    const last = objects.at(-1);
    const cut =
      page.truncated && last !== undefined
        ? objects.findLastIndex(({ key }) => unitName(key) !== unitName(last.key)) + 1
        : objects.length;
    const units = unitsOf(objects.slice(0, cut));
    carried = objects.slice(cut);
    if (!page.truncated) return yield { units, objects: cut, end: null };
    if (cut > 0) yield { units, objects: cut, end: endOf(units, objects[cut - 1]?.key ?? "") };
    place = { cursor: page.cursor };
  }
}

/** The last key that belongs to what was listed, whether or not there is an object of it. */
function endOf(units: readonly BucketUnit[], lastKey: string): string {
  const last = units.at(-1);
  const own =
    last?.is === "backup"
      ? dumpKey(last.ref)
      : last?.is === "archive"
        ? archiveKey({ is: "archive", week: last.week })
        : "";
  return own > lastKey ? own : lastKey;
}

export function describe({ key, size, etag, uploaded }: R2Object): ListedObject {
  return { key, size, etag, uploaded: uploaded.getTime() };
}
