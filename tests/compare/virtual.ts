import { type Token, tokens, unquote } from "./tokens.ts";

/** What a CREATE VIRTUAL TABLE statement asks for. */
export interface VirtualTable {
  /** In lower case: fts5, fts5vocab, rtree, rtree_i32. */
  readonly module: string;
  /** FTS5 options by name, in lower case. The names of columns are not among them. */
  readonly options: ReadonlyMap<string, string>;
}

export function parseVirtual(sql: string): VirtualTable {
  const all = tokens(sql).filter((token) => token.kind !== "comment");
  const using = all.findIndex((token, i) => i > 2 && token.kind === "word" && token.text.toLowerCase() === "using");
  const options = new Map<string, string>();
  for (const argument of splitArguments(all.slice(using + 2))) {
    const [key, equals, ...value] = argument;
    if (key === undefined || equals?.text !== "=") continue;
    options.set(key.text.toLowerCase(), value.map((token) => unquote(token.text)).join(""));
  }
  return { module: unquote(all[using + 1]?.text ?? "").toLowerCase(), options };
}

function splitArguments(inside: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  for (const token of inside.slice(1, -1)) {
    if (token.text === ",") parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/**
 * Where the text of an FTS5 table is: in itself, in another table, or nowhere. SQLite's own list calls a table
 * "shadow" by its name alone, and so a user's docs_content too, once an FTS5 table docs exists over it.
 */
export function contentOf(table: VirtualTable): "own" | "external" | "none" {
  const content = table.options.get("content");
  if (content === undefined) return "own";
  return content === "" ? "none" : "external";
}

/** The names of the tables in which a virtual table really keeps what it holds. */
export function shadowNames(name: string, table: VirtualTable): readonly string[] {
  if (table.module.startsWith("rtree")) return ["node", "parent", "rowid"].map((suffix) => `${name}_${suffix}`);
  if (table.module !== "fts5") return [];
  const suffixes = ["data", "idx", "config"];
  if (contentOf(table) === "own" || table.options.get("contentless_unindexed") === "1") suffixes.push("content");
  if (table.options.get("columnsize") !== "0") suffixes.push("docsize");
  return suffixes.map((suffix) => `${name}_${suffix}`);
}
