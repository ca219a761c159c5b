import { withoutComments } from "./definition-text.ts";
import { folded } from "./name.ts";
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

/** A name as SQL takes it: in any quotes, or bare. */
const NAME = /"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|'(?:[^']|'')*'|[^\s("'`[]+/.source;

const DEFINITION = new RegExp(
  `^\\s*CREATE\\s+VIRTUAL\\s+TABLE\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?(?:${NAME})\\s*\\bUSING\\s*(${NAME})\\s*(?:\\(([\\s\\S]*)\\))?\\s*;?\\s*$`,
  "i",
);

interface Parsed {
  readonly module: string;
  readonly arguments: readonly string[];
}

function parse({ sql }: Definition): Parsed {
  const [, module = "", body = ""] = DEFINITION.exec(withoutComments(sql)) ?? [];
  return { module: folded(unquote(module)), arguments: splitArguments(body) };
}

export function virtualKind(definition: Definition): VirtualKind {
  const parsed = parse(definition);
  switch (parsed.module) {
    case "fts5": {
      const content = option(parsed, "content");
      return content === null ? "fts5" : content === "" ? "fts5-contentless" : "fts5-external";
    }
    case "fts5vocab":
      return "fts5vocab";
    case "rtree":
    case "rtree_i32":
      return "rtree";
    default:
      return "other";
  }
}

/** The table or view that an external-content FTS5 table is over; null for any other. */
export function contentTable(definition: Definition): string | null {
  const content = option(parse(definition), "content");
  return content === "" ? null : content;
}

/** The column of its content by which an external-content FTS5 table knows rows. */
export function contentRowid(definition: Definition): string {
  return option(parse(definition), "content_rowid") ?? "rowid";
}

/**
 * The tables in which a virtual table keeps its content, which come and go with it. A user's own table whose name merely
 * looks like one of them is not among them.
 */
export function shadowNames(definition: Definition): string[] {
  const parsed = parse(definition);
  const all = (suffixes: readonly string[]) => suffixes.map((suffix) => `${definition.name}_${suffix}`);
  switch (parsed.module) {
    case "fts5": {
      const hasContent = option(parsed, "content") === null || option(parsed, "contentless_unindexed") === "1";
      const content = hasContent ? ["content"] : [];
      const sizes = option(parsed, "columnsize") === "0" ? [] : ["docsize"];
      return all(["data", "idx", "config", ...content, ...sizes]);
    }
    case "rtree":
    case "rtree_i32":
    case "geopoly":
      return all(["node", "rowid", "parent"]);
    // D1 has none of these, a SQLite file may.
    case "fts3":
    case "fts4":
      return all(["content", "segments", "segdir", "docsize", "stat"]);
    default:
      return [];
  }
}

/** The options of FTS5 in the order in which it tries them: it takes the first that begins with what is written. */
const OPTIONS = [
  "prefix",
  "tokenize",
  "content",
  "contentless_delete",
  "contentless_unindexed",
  "content_rowid",
  "columnsize",
  "locale",
  "detail",
  "tokendata",
] as const;

/** The value of an FTS5 option, without its quotes; null when it is not given. */
function option({ arguments: all }: Parsed, name: (typeof OPTIONS)[number]): string | null {
  for (const argument of all) {
    const [, key, value] = /^\s*(\w+)\s*=\s*([\s\S]*)$/.exec(argument) ?? [];
    if (key === undefined || OPTIONS.find((one) => one.startsWith(folded(key))) !== name) continue;
    return unquote((value ?? "").trim());
  }
  return null;
}

/** Splits at commas that stand outside quotes and parentheses. */
function splitArguments(body: string): string[] {
  return body.match(/(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|\([^)]*\)|[^,])+/g) ?? [];
}

function unquote(value: string): string {
  const [, single, double, back, bracket] = /^(?:'([\s\S]*)'|"([\s\S]*)"|`([\s\S]*)`|\[([\s\S]*)\])$/.exec(value) ?? [];
  if (single !== undefined) return single.replaceAll("''", "'");
  if (double !== undefined) return double.replaceAll('""', '"');
  return back?.replaceAll("``", "`") ?? bracket ?? value;
}
