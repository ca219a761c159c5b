import type { Catalog } from "@patina/catalog/catalog";
import { forgetUpload, noteUpload, uploadsOf } from "@patina/catalog/uploads";
import { PatinaError } from "@patina/core/error";
import { bucketError } from "@patina/worker/bucket-error";
import type { Uploads } from "./stored-object.ts";

/** The record of an object's uploads in the catalog. */
export function catalogUploads(catalog: Catalog, { key, clock }: { key: string; clock: () => number }) {
  return {
    note: (uploadId) => noteUpload(catalog, { uploadId, key, startedAt: clock() }),
    forget: (uploadId) => forgetUpload(catalog, uploadId),
    /** Aborts what is on record. An upload that has ended already is only forgotten. */
    async abortAll(bucket: R2Bucket): Promise<void> {
      for (const { uploadId } of await uploadsOf(catalog, key)) {
        try {
          await bucket.resumeMultipartUpload(key, uploadId).abort();
        } catch (cause) {
          const error = bucketError(key, cause);
          if (!(error instanceof PatinaError) || error.code !== "upload_lost") throw error;
        }
        await forgetUpload(catalog, uploadId);
      }
    },
  } satisfies Uploads & { abortAll(bucket: R2Bucket): Promise<void> };
}
