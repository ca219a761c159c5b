import { CommandError, EXIT, usageError } from "./failure.ts";

/**
 * Which of several names somebody means: the one that was typed, or the only one that begins so.
 *
 * @param thing what the names are of: `database`, `channel`
 * @throws {CommandError} exit 10 when there is none, exit 2 when there are several
 */
export function choose(typed: string, { names, thing }: { names: readonly string[]; thing: string }): string {
  if (names.includes(typed)) return typed;
  const meant = typed === "" ? [] : names.filter((name) => name.startsWith(typed));
  const [only] = meant;
  if (only !== undefined && meant.length === 1) return only;
  if (meant.length > 1) {
    throw usageError(`Cannot tell which ${thing} "${typed}" is: ${meant.length} begin so`, some(meant));
  }
  throw new CommandError(`Cannot find ${thing} "${typed}": none has that name`, {
    exit: EXIT.notFound,
    hint: names.length === 0 ? `There is no ${thing} at all.` : `One of ${some(names)}`,
  });
}

/** Some of the names, and how many there are besides. */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(", ");
  return names.length > 10 ? `${shown} and ${names.length - 10} more.` : `${shown}.`;
}
