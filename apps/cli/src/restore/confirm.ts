import { createInterface } from "node:readline/promises";
import { CommandError, usageError } from "../failure.ts";

/** What is about to be done to something, and whether that was agreed to beforehand. */
export interface Intent {
  readonly verb: "replace" | "remove";
  readonly isAgreed: boolean;
}

/**
 * Makes sure that somebody can be asked before anything is done.
 *
 * @throws {CommandError} exit 2
 */
export function checkConfirmable(name: string, { verb, isAgreed }: Intent): void {
  if (isAgreed || process.stdin.isTTY) return;
  throw usageError(
    `Cannot ${verb} ${name}: there is no terminal to confirm it on, and nothing was changed`,
    "Add --yes when that is what you mean.",
  );
}

/**
 * Lets a person type the name of what is about to be replaced or removed.
 *
 * @throws {CommandError} exit 1 when something else is typed
 */
export async function confirm(name: string, { verb, isAgreed }: Intent): Promise<void> {
  if (isAgreed) return;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // readline takes Ctrl-C for itself.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    const typed = await terminal.question(`Type ${name} to ${verb} it: `);
    if (typed.trim() === name) return;
  } finally {
    terminal.close();
  }
  throw new CommandError(`Cannot ${verb} ${name}: that is not its name, and nothing was changed`);
}
