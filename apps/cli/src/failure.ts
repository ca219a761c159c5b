import { ERROR_CODES, PatinaError } from "@patina/core/error";
import { CommanderError } from "commander";

/** Exit codes of the command, documented in docs/reference/exit-codes.md. A code that is not listed is a failure. */
export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  partly: 3,
  /** Something is wrong with what was looked at: damaged, different, overdue. */
  findings: 4,
  notFound: 10,
  conflict: 11,
  unauthorized: 12,
  unreachable: 13,
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

/** What commander refused, in the words of all other failures. `command` is what was typed: `patina databases list`. */
export function wrongUse(error: CommanderError, command: string): Error {
  if (error.exitCode === 0 || error.code === "commander.help") return error;
  const [, reason = "", suggestion] = /^(?:error: )?(.*?)\s*(?:\((Did you mean .*\?)\))?$/s.exec(error.message) ?? [];
  return usageError(`Cannot run ${command}: ${reason.replace(/\.$/, "")}`, suggestion ?? `${command} --help`);
}

/** What a person is told of a failure. */
export interface Explanation {
  readonly exit: number;
  readonly message: string;
  readonly hint: string | null;
  /** It stands on standard error already. */
  readonly isTold: boolean;
}

/** Turns whatever ended the command into its exit code and one clear sentence. */
export function explain(error: unknown): Explanation {
  // Help or the version: asked for, or shown because there was no command.
  if (error instanceof CommanderError) {
    const exit = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return { exit, message: "Cannot run: no command is named", hint: null, isTold: true };
  }
  if (error instanceof CommandError)
    return { exit: error.exit, message: error.message, hint: error.hint, isTold: false };
  if (error instanceof PatinaError && error.code !== "internal") {
    const { exit, next } = ERROR_CODES[error.code];
    const hint = error.code === "not_found" ? "patina list and patina databases list show what exists." : next;
    return { exit, message: error.message, hint, isTold: false };
  }
  const system = systemFailure(error);
  if (system !== null) return { exit: EXIT.error, ...system, isTold: false };
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const message = `Patina failed, and that is its own fault: ${reason}`;
  return { exit: EXIT.error, message, hint: null, isTold: false };
}

/** What the operating system refused: a full disk is no fault of Patina. */
function systemFailure(error: unknown): { message: string; hint: string | null } | null {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return null;
  const { path } = error as NodeJS.ErrnoException;
  const where = path === undefined ? "" : ` ${path}`;
  switch (error.code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return { message: `Cannot write${where}: there is no space left`, hint: "Free some, or write elsewhere." };
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return { message: `Cannot use${where}: permission denied`, hint: "Choose a place that you may write to." };
    case "ENOTDIR":
      return { message: `Cannot use${where}: a file is where a folder has to be`, hint: "Choose another place." };
    case "ENOENT":
      return { message: `Cannot find${where}`, hint: null };
    default:
      return { message: `Cannot use${where}: ${error.message}`, hint: null };
  }
}
