import { EXIT } from "./failure.ts";

/** What has to be tidied up when the person presses Ctrl-C; each says what it leaves, or null for nothing. */
const tidying = new Set<() => string | null>();

/**
 * Tidies up if the command is interrupted before the returned function is called. The work runs at once and must not
 * wait for anything.
 */
export function whenInterrupted(tidy: () => string | null): () => void {
  tidying.add(tidy);
  return () => tidying.delete(tidy);
}

/** Tidies up, the latest first, because the process ends now; what is left. */
export function tidyUp(): string[] {
  return [...tidying]
    .reverse()
    .map((tidy) => tidy())
    .filter((line) => line !== null);
}

/** Ends the process with 130 on SIGINT and SIGTERM, after tidying up. A command may put its own listener in the place. */
export function listenForInterruption(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      process.stderr.write(`\nInterrupted. ${tidyUp().join(" ") || "Nothing was left behind."}\n`);
      process.exit(EXIT.interrupted);
    });
  }
}

/** Lets signals be noticed in work that never waits for anything. */
export async function breathe(): Promise<void> {
  await new Promise<void>((later) => setImmediate(later));
}
