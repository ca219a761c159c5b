import { experimental_getWranglerCommands } from "wrangler";

/** What a command of wrangler takes: the definitions that its --help prints. */
interface Node {
  readonly definition?: {
    readonly args?: Readonly<Record<string, Argument>>;
    readonly positionalArgs?: readonly string[];
  };
  readonly subtree?: ReadonlyMap<string, Node>;
}

interface Argument {
  readonly alias?: string | readonly string[];
  readonly hidden?: boolean;
}

/** Options by command, as they are typed: `{ "d1 execute": ["--remote", "-y", ...] }`. Loading wrangler takes a second. */
export function wranglerOptions(): Readonly<Record<string, readonly string[]>> {
  const { registry, globalFlags } = experimental_getWranglerCommands() as unknown as {
    registry: Node;
    globalFlags: Readonly<Record<string, Argument>>;
  };
  const found: Record<string, string[]> = {};
  const visit = (node: Node, words: readonly string[]) => {
    const { args, positionalArgs = [] } = node.definition ?? {};
    const own = Object.entries(args ?? {}).filter(([name]) => !positionalArgs.includes(name));
    if (args !== undefined) found[words.join(" ")] = [...own, ...Object.entries(globalFlags)].flatMap(typed);
    for (const [word, below] of node.subtree ?? []) visit(below, [...words, word]);
  };
  visit(registry, []);
  return found;
}

function typed([name, { alias = [], hidden = false }]: [string, Argument]): string[] {
  if (hidden) return [];
  return [name, ...(typeof alias === "string" ? [alias] : alias)].map(
    (word) => `${word.length === 1 ? "-" : "--"}${word}`,
  );
}
