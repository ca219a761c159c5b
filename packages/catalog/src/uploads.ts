import { eq } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { openUploads } from "./schema.ts";

type OpenUpload = typeof openUploads.$inferSelect;

/** Records an upload before its first part, so that it can be aborted whatever happens to its Worker. */
async function noteUpload(catalog: Catalog, upload: OpenUpload): Promise<void> {
  await catalog.insert(openUploads).values(upload).onConflictDoNothing();
}

/** Removes an upload that has been completed or aborted. */
export async function forgetUpload(catalog: Catalog, uploadId: string): Promise<void> {
  await catalog.delete(openUploads).where(eq(openUploads.uploadId, uploadId));
}

/** The record of one object's uploads. */
export function uploadsOf(catalog: Catalog, { key, clock }: { key: string; clock: () => number }) {
  return {
    note: (uploadId: string) => noteUpload(catalog, { uploadId, key, startedAt: clock() }),
    forget: (uploadId: string) => forgetUpload(catalog, uploadId),
    /** Those that never ended. */
    async open(): Promise<string[]> {
      const rows = await catalog.select().from(openUploads).where(eq(openUploads.key, key));
      return rows.map(({ uploadId }) => uploadId);
    },
  };
}

export async function findUpload(catalog: Catalog, uploadId: string): Promise<OpenUpload | undefined> {
  const [found] = await catalog.select().from(openUploads).where(eq(openUploads.uploadId, uploadId));
  return found;
}
