/** Exit codes of the command, documented in docs/reference/exit-codes.md. A code that is not listed is a failure. */
export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  partly: 3,
  interrupted: 130,
} as const;

/** A failure that ends the command with a sentence for the person who typed it. */
export class CommandError extends Error {
  readonly exit: number;
  /** What to try next. */
  readonly hint: string | null;

  constructor(message: string, options: { exit?: number; hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CommandError";
    this.exit = options.exit ?? EXIT.error;
    this.hint = options.hint ?? null;
  }
}

/** Wrong use of the command: exit code 2, and nothing was started. */
export function usageError(message: string, hint?: string): CommandError {
  return new CommandError(message, { exit: EXIT.usage, ...(hint === undefined ? {} : { hint }) });
}
