import { partBytesFor } from "@patina/archive/archive-layout";
import { archiveKey } from "@patina/archive/keys";
import {
  type Archive,
  archivePagesOf,
  archivePartsOf,
  forgetUpload,
  notePart,
  noteUpload,
  noteWritten,
} from "@patina/catalog/archives";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import { StoredLayout } from "./stored-layout.ts";
import type { ArchiverContext } from "./upkeep.ts";

/**
 * Writes an archive by its plan, part by part: part n is bytes n · P up to (n + 1) · P of the layout, so the parts that are
 * there say what is left to do. Some parts are on their way while the next is filled. Stops when the budget is spent.
 */
export async function writeArchive(start: Archive, context: ArchiverContext): Promise<Archive> {
  const { catalog, bucket, clock } = context;
  const key = archiveKey({ is: "archive", week: start.week });
  const archive = start.uploadId === null ? await openUpload(start, { key, context }) : start;
  const upload = bucket.resumeMultipartUpload(key, archive.uploadId ?? "");
  try {
    if (!(await sendParts(archive, { upload, context }))) return archive;
    const parts = await archivePartsOf(catalog, archive.week);
    const { etag } = await asking(key, () =>
      upload.complete(parts.map((part) => ({ partNumber: part.number, etag: part.etag }))),
    );
    return await noteWritten(catalog, { archive, etag, now: clock() });
  } catch (error) {
    if (!(error instanceof PatinaError) || error.code !== "upload_lost") throw error;
    // Completed by an invocation that stopped before it could say so, or aborted by the bucket after a week.
    const there = await asking(key, () => bucket.head(key));
    const isWritten = there?.size === archive.bytes && there.uploaded.getTime() >= archive.startedAt;
    if (isWritten) return await noteWritten(catalog, { archive, etag: there.etag, now: clock() });
    await forgetUpload(catalog, { archive, now: clock() });
    throw error;
  }
}

async function openUpload(
  archive: Archive,
  { key, context }: { key: string; context: ArchiverContext },
): Promise<Archive> {
  const { catalog, bucket, clock, budget } = context;
  const { uploadId } = await asking(key, () =>
    bucket.createMultipartUpload(key, { httpMetadata: { contentType: "application/gzip" } }),
  );
  budget.spend({ queries: 4, requests: 1 });
  return await noteUpload(catalog, { archive, key, uploadId, now: clock() });
}

/** @returns whether all parts are there */
async function sendParts(
  archive: Archive,
  { upload, context }: { upload: R2MultipartUpload; context: ArchiverContext },
): Promise<boolean> {
  const { catalog, bucket, clock, budget } = context;
  const pages = await archivePagesOf(catalog, archive.week);
  const layout = new StoredLayout(bucket, { archive, pages });
  const partBytes = partBytesFor(archive.bytes);
  const there = new Set((await archivePartsOf(catalog, archive.week)).map(({ number }) => number));
  const count = Math.ceil(archive.bytes / partBytes);
  const missing = Array.from({ length: count }, (_, i) => i + 1).filter((number) => !there.has(number));
  const slots = slotsFor(missing.length, partBytes);
  try {
    for (const [i, number] of missing.entries()) {
      const slot = slots[i % slots.length];
      if (slot === undefined) break;
      await slot.sent;
      if (budget.isSpent) return false;
      const from = (number - 1) * partBytes;
      const bytes = slot.part.subarray(0, Math.min(partBytes, archive.bytes - from));
      const requests = await layout.fill(bytes, from);
      budget.spend({ queries: 2, requests: requests + 1 });
      slot.sent = asking(upload.key, () => upload.uploadPart(number, bytes)).then(({ etag }) =>
        notePart(catalog, { archive, number, etag, now: clock() }),
      );
      // Its failure is met by whoever waits for it next.
      slot.sent.catch(() => undefined);
    }
    await Promise.all(slots.map(({ sent }) => sent));
    return true;
  } finally {
    await Promise.allSettled(slots.map(({ sent }) => sent));
  }
}

/** Room for a part, and the part that it was last sent with. */
interface Slot {
  readonly part: Uint8Array<ArrayBuffer>;
  sent: Promise<void>;
}

/** Bytes of all parts in memory: three of the smallest, so that two are on their way while the third is filled. */
const SLOT_BYTES = 3 * partBytesFor(0);

function slotsFor(parts: number, partBytes: number): Slot[] {
  const length = Math.min(parts, Math.max(2, Math.floor(SLOT_BYTES / partBytes)));
  return Array.from({ length }, () => ({ part: new Uint8Array(partBytes), sent: Promise.resolve() }));
}
