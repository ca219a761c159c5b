import { eq } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { openUploads } from "./schema.ts";

export type OpenUpload = typeof openUploads.$inferSelect;

/** Records an upload before its first part, so that it can be aborted whatever happens to its Worker. */
export async function noteUpload(catalog: Catalog, upload: OpenUpload): Promise<void> {
  await catalog.insert(openUploads).values(upload).onConflictDoNothing();
}

/** Removes an upload that has been completed or aborted. */
export async function forgetUpload(catalog: Catalog, uploadId: string): Promise<void> {
  await catalog.delete(openUploads).where(eq(openUploads.uploadId, uploadId));
}

/** Uploads of an object that never ended. */
export async function uploadsOf(catalog: Catalog, key: string): Promise<OpenUpload[]> {
  return await catalog.select().from(openUploads).where(eq(openUploads.key, key));
}
