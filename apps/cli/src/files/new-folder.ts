import { mkdirSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";

/** Makes a folder and those above it; the returned function takes away the ones that were made and are still empty. */
export function makeFolder(path: string): () => void {
  const first = mkdirSync(path, { recursive: true });
  return () => {
    if (first === undefined) return;
    try {
      for (let at = path; at.length >= first.length; at = dirname(at)) rmdirSync(at);
    } catch {
      // Something is in it by now, or it is gone: either is for somebody else to decide.
    }
  };
}
