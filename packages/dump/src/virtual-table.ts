import { withoutComments } from "./definition-text.ts";
import type { Definition } from "./schema.ts";

/** What kind of virtual table it is, and thereby how its content is carried. */
export type VirtualKind =
  /** FTS5 with its own content: its rows are read and inserted like a table's. */
  | "fts5"
  /** FTS5 over another table or view: `'rebuild'` makes the index again. */
  | "fts5-external"
  /** FTS5 without content: the text that was indexed cannot be had back. */
  | "fts5-contentless"
  /** A view of an FTS5 table's vocabulary: only its definition. */
  | "fts5vocab"
  /** R*Tree: its rows are read and inserted like a table's. */
  | "rtree"
  /** Another module: only its definition. */
  | "other";

const DEFINITION =
  /^\s*CREATE\s+VIRTUAL\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|'(?:[^']|'')*'|[^\s(]+?)\s+USING\s+([A-Za-z0-9_]+)\s*(?:\(([\s\S]*)\))?\s*;?\s*$/i;

export function virtualKind({ sql }: Definition): VirtualKind {
  const [, module = "", body = ""] = DEFINITION.exec(withoutComments(sql)) ?? [];
  switch (module.toLowerCase()) {
    case "fts5":
      return fts5Kind(body);
    case "fts5vocab":
      return "fts5vocab";
    case "rtree":
    case "rtree_i32":
      return "rtree";
    default:
      return "other";
  }
}

function fts5Kind(body: string): VirtualKind {
  for (const argument of splitArguments(body)) {
    const content = /^\s*content\s*=\s*([\s\S]*)$/i.exec(argument)?.[1];
    if (content !== undefined) return unquote(content.trim()) === "" ? "fts5-contentless" : "fts5-external";
  }
  return "fts5";
}

/** Splits at commas that stand outside quotes and parentheses. */
function splitArguments(body: string): string[] {
  return body.match(/(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|\([^)]*\)|[^,])+/g) ?? [];
}

function unquote(value: string): string {
  return (
    /^(?:'([\s\S]*)'|"([\s\S]*)"|`([\s\S]*)`|\[([\s\S]*)\])$/
      .exec(value)
      ?.slice(1)
      .find((x) => x !== undefined) ?? value
  );
}
