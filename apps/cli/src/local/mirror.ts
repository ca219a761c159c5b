import { createWriteStream, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Writable } from "node:stream";
import { makeFolder } from "../files/new-folder.ts";
import type { LocalPatina } from "./patina.ts";

/**
 * Copies the bucket's objects into a folder, under the same keys. A file is complete as soon as it has its name. What is
 * there already in the same size and not older is left alone; nothing is ever removed.
 *
 * @returns the number of files written
 */
export async function mirror(patina: LocalPatina, folder: string): Promise<number> {
  const bucket = await patina.bucket();
  let written = 0;
  let cursor: string | undefined;
  do {
    const page = await bucket.list(cursor === undefined ? {} : { cursor });
    for (const { key, size, uploaded } of page.objects) {
      const file = join(folder, ...key.split("/"));
      if (isThere(file, { size, uploaded })) continue;
      const object = await bucket.get(key);
      if (object === null) continue; // deleted meanwhile
      makeFolder(dirname(file));
      await save(object.body as unknown as ReadableStream<Uint8Array>, file);
      written += 1;
    }
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return written;
}

function isThere(file: string, { size, uploaded }: { size: number; uploaded: Date }): boolean {
  if (!existsSync(file)) return false;
  const found = statSync(file);
  return found.size === size && found.mtimeMs >= uploaded.getTime();
}

async function save(body: ReadableStream<Uint8Array>, file: string): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await body.pipeTo(Writable.toWeb(createWriteStream(partial)) as WritableStream<Uint8Array>);
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}
