/**
 * What of a database its backups do not carry as it is: columns whose values are replaced, and tables whose rows are left
 * out. The definitions stay, so that a restored database has its whole schema.
 */
export interface Rules {
  readonly redactions: readonly Redaction[];
  readonly excludedTables: readonly string[];
}

/** A column and what stands in place of its values. */
export type Redaction = Replacement & { readonly table: string; readonly column: string };

export type Replacement =
  | { readonly as: "null" }
  /** One text for every value, NULL included. */
  | { readonly as: "text"; readonly text: string }
  /** A keyed digest of the value; NULL stays NULL. Equal values stay equal, so that joins still work. */
  | { readonly as: "digest" };

export const NO_RULES: Rules = { redactions: [], excludedTables: [] };

export function hasRules({ redactions, excludedTables }: Rules): boolean {
  return redactions.length > 0 || excludedTables.length > 0;
}

/** Characters that a key for digests has at least. */
export const MIN_REDACTION_KEY = 32;

/** Whether a text can stand in place of values: every SQLite stores it as it is. */
export function isWellFormed(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}
