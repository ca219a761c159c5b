import { open, readdir, readFile, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import type { StoredBytes } from "@patina/archive/range-reader";
import type { Store, StoredObject } from "./store.ts";

/** A folder that mirrors the bucket: each object is a file of its key's name. */
export class FolderStore implements Store {
  readonly label: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.label = folder;
    this.#folder = folder;
  }

  async folders(prefix: string): Promise<string[]> {
    const entries = await present(readdir(this.#path(prefix), { withFileTypes: true }));
    return (entries ?? []).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const entries = await present(readdir(this.#path(prefix), { withFileTypes: true, recursive: true }));
    for (const entry of entries ?? []) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const key = path.slice(join(this.#folder, sep).length).replaceAll(sep, "/");
      yield { key, bytes: (await stat(path)).size };
    }
  }

  async size(key: string): Promise<number | null> {
    const found = await present(stat(this.#path(key)));
    return found === null || !found.isFile() ? null : found.size;
  }

  async text(key: string): Promise<string | null> {
    return await present(readFile(this.#path(key), "utf8"));
  }

  open(key: string): StoredBytes {
    return fileBytes(this.#path(key));
  }

  #path(key: string): string {
    return join(this.#folder, ...key.split("/"));
  }
}

/** The bytes of a file. */
export function fileBytes(path: string): StoredBytes {
  return {
    async read(offset, length) {
      const file = await open(path, "r");
      try {
        const buffer = Buffer.allocUnsafe(length);
        let filled = 0;
        while (filled < length) {
          const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return buffer.subarray(0, filled);
      } finally {
        await file.close();
      }
    },
  };
}

/** What is there, or null. */
async function present<T>(wanted: Promise<T>): Promise<T | null> {
  try {
    return await wanted;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw error;
  }
}
