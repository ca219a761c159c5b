import { existsSync, statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { bytes } from "@patina/core/wording";
import { CommandError } from "../failure.ts";

/** Bytes that may be written into a folder, or into the nearest one above that exists. */
export function availableIn(folder: string): number {
  let at = resolve(folder);
  while (!existsSync(at)) at = dirname(at);
  const { bavail, bsize } = statfsSync(at);
  return bavail * bsize;
}

/**
 * What a database of so much SQL takes. A BLOB takes half of its SQL, indexes come on top: between half and one and a
 * half times.
 */
export function requiredFor(sqlBytes: number): { least: number; likely: number } {
  return { least: Math.ceil(sqlBytes / 2), likely: Math.ceil(sqlBytes * 1.5) };
}

interface Room {
  /** Bytes. */
  readonly required: number;
  /** What cannot be done without them. */
  readonly what: string;
  readonly hint?: string;
}

/**
 * Refuses what cannot fit into a folder.
 *
 * @throws {CommandError}
 */
export function checkRoom(folder: string, { required, what, hint }: Room): void {
  const available = availableIn(folder);
  if (available >= required) return;
  throw new CommandError(
    `Cannot ${what} into ${folder}: at least ${bytes(required)} are required, ${bytes(available)} are available`,
    { hint: hint ?? `Free some, or ${what} to another disk.` },
  );
}

/**
 * Refuses what cannot fit; gives a sentence for what may not.
 *
 * @throws {CommandError}
 */
export function checkSpace(folder: string, sqlBytes: number): string | null {
  const { least, likely } = requiredFor(sqlBytes);
  checkRoom(folder, { required: least, what: "restore" });
  const available = availableIn(folder);
  if (available >= likely) return null;
  return `It may not fit: up to ${bytes(likely)} are required, ${bytes(available)} are available`;
}
