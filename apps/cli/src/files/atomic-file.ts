import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { whenInterrupted } from "../interruption.ts";
import { makeFolder } from "./new-folder.ts";

/**
 * A file that appears under its name only once it is complete and on disk: until then it is called `.partial`, so that
 * nobody, a sync client included, takes it for the whole.
 */
export class AtomicFile {
  readonly path: string;
  /** What it is called until it is finished. */
  readonly partial: string;
  readonly #handle: number;
  readonly #undoFolder: () => void;
  readonly #forget: () => void;
  #isOpen = true;

  constructor(path: string) {
    this.path = path;
    this.#undoFolder = makeFolder(dirname(path));
    this.partial = `${path}.${process.pid}.partial`;
    this.#handle = openSync(this.partial, "w");
    this.#forget = whenInterrupted(() => {
      this.#remove();
      return null;
    });
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#handle, bytes, at);
  }

  /** Gives the file its name, over one that has it already. */
  finish(): void {
    fsyncSync(this.#handle);
    this.#close();
    renameSync(this.partial, this.path);
    syncFolder(dirname(this.path));
    this.#forget();
  }

  /** Leaves nothing behind, unless the file is finished. */
  abandon(): void {
    if (this.#isOpen) this.#close();
    this.#remove();
    this.#forget();
  }

  #remove(): void {
    rmSync(this.partial, { force: true });
    this.#undoFolder();
  }

  #close(): void {
    this.#isOpen = false;
    closeSync(this.#handle);
  }
}

/** Makes a new name in a folder outlast a power cut. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
