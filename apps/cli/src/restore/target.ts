import { basename } from "node:path";
import { usageError } from "../failure.ts";

/** Where a restore goes. */
export type Target =
  | { readonly kind: "stdout" }
  /** A file of SQL text. */
  | { readonly kind: "sql"; readonly path: string }
  /** A SQLite database file. */
  | { readonly kind: "sqlite"; readonly path: string }
  /** A D1 database as `wrangler dev` keeps it on this machine, by its name or binding in a wrangler project. */
  | { readonly kind: "local-d1"; readonly name: string }
  /** A D1 database at Cloudflare. */
  | { readonly kind: "d1"; readonly name: string };

export const TARGET_HELP = "a new SQLite file, x.sql, local-d1:<database>, d1:<database>, or - for standard output";

/** Reads `--to`. */
export function parseTarget(text: string): Target {
  if (text === "-") return { kind: "stdout" };
  const [, kind, name = ""] = /^(local-d1|d1):(.*)$/.exec(text) ?? [];
  if (kind !== "local-d1" && kind !== "d1") {
    if (text === "" || text.endsWith("/"))
      throw usageError(`Cannot restore to "${text}"`, `A target is ${TARGET_HELP}.`);
    return text.endsWith(".sql") ? { kind: "sql", path: text } : { kind: "sqlite", path: text };
  }
  if (name === "") throw usageError(`Cannot restore to "${text}": it names no database`, `${kind}:shop`);
  return { kind, name };
}

/** What a person types to confirm that this is to be replaced. */
export function nameOf(target: Target): string {
  switch (target.kind) {
    case "stdout":
      return "-";
    case "sql":
    case "sqlite":
      return basename(target.path);
    case "local-d1":
    case "d1":
      return target.name;
  }
}
