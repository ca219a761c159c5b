import { existsSync, mkdirSync, rmdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CommandError } from "../failure.ts";

/**
 * Makes a folder and those above it; the returned function takes away the ones that were made and are still empty.
 *
 * @throws {CommandError} when the file system takes no folders there
 */
export function makeFolder(path: string): () => void {
  const made: string[] = [];
  const undo = () => {
    try {
      for (let folder = made.pop(); folder !== undefined; folder = made.pop()) rmdirSync(folder);
    } catch {
      // Something is in it by now, or it is gone: either is for somebody else to decide.
    }
  };
  try {
    for (const folder of missing(resolve(path))) if (make(folder)) made.push(folder);
  } catch (error) {
    undo();
    throw error;
  }
  return undo;
}

/** The folders that are not there yet, the outermost first. */
function missing(path: string): string[] {
  const folders: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) folders.unshift(at);
  return folders;
}

/** One at a time: Node's recursive mkdir never returns where the system says that nothing can be made, as in /proc. */
function make(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause)) throw cause;
    // Somebody else was quicker.
    if (cause.code === "EEXIST" && statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return false;
    if (cause.code !== "ENOENT") throw cause;
    throw new CommandError(`Cannot make the folder ${folder}: its file system takes none there`, {
      hint: "Choose another place.",
      cause,
    });
  }
}
