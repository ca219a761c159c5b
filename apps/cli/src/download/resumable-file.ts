import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { CommandError, EXIT } from "../failure.ts";
import { syncFolder } from "../files/atomic-file.ts";
import { makeFolder } from "../files/new-folder.ts";
import { whenInterrupted } from "../interruption.ts";

/**
 * A file that is being downloaded. Until it is complete it is called `.partial`, and by the beginning of the digest that
 * it is to have: whoever begins again finds what is there of the same content, and nothing else.
 */
export class ResumableFile {
  /** What it is called until it is finished. */
  readonly partial: string;
  readonly #handle: number;
  readonly #undoFolder: () => void;
  readonly #forget: () => void;
  #length: number;

  constructor(path: string, sha256: string) {
    this.#undoFolder = makeFolder(dirname(path));
    this.partial = `${path}.${sha256.slice(0, 12)}.partial`;
    // Not with "a": two downloads of the same content then write the same bytes to the same places.
    this.#handle = openSync(this.partial, existsSync(this.partial) ? "r+" : "w+");
    this.#length = statSync(this.partial).size;
    this.#forget = whenInterrupted(() => (this.#length === 0 ? this.#remove() : `${this.partial} ${STAYS}`));
  }

  /** Bytes that are there. */
  get length(): number {
    return this.#length;
  }

  /** Adds bytes at the end. */
  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const written = writeSync(this.#handle, bytes, at, bytes.length - at, this.#length);
      at += written;
      this.#length += written;
    }
  }

  /** Forgets what is there. */
  restart(): void {
    ftruncateSync(this.#handle, 0);
    this.#length = 0;
  }

  /**
   * Gives the file its name.
   *
   * @throws {CommandError} exit 11 when another file has got it meanwhile
   */
  finish(path: string): void {
    fsyncSync(this.#handle);
    if (existsSync(path)) {
      throw new CommandError(`Cannot write ${path}: it is there already`, { exit: EXIT.conflict });
    }
    closeSync(this.#handle);
    renameSync(this.partial, path);
    syncFolder(dirname(path));
    this.#forget();
  }

  /** Leaves nothing behind. */
  discard(): void {
    closeSync(this.#handle);
    this.#remove();
    this.#forget();
  }

  /** Leaves what is there for the next time; a sentence about it, or null when there is nothing. */
  keep(): string | null {
    if (this.#length === 0) {
      this.discard();
      return null;
    }
    closeSync(this.#handle);
    this.#forget();
    return `${this.partial} ${STAYS}`;
  }

  #remove(): null {
    rmSync(this.partial, { force: true });
    this.#undoFolder();
    return null;
  }
}

const STAYS = "stays: the same command goes on with it.";
