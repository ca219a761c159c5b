/** What SQLite makes of a value that is stored in a column of a declared type (sqlite.org/datatype3.html section 3.1). */
export type Affinity = "integer" | "text" | "none" | "real" | "numeric";

/** The affinity of a column by its declared type, in a table that is not STRICT. */
export function affinityOf(declared: string): Affinity {
  const type = declared.toUpperCase();
  if (type.includes("INT")) return "integer";
  if (/CHAR|CLOB|TEXT/.test(type)) return "text";
  if (type === "" || type.includes("BLOB")) return "none";
  return /REAL|FLOA|DOUB/.test(type) ? "real" : "numeric";
}

/** Whether a column of numbers would store this text as a number. */
export function looksNumeric(text: string): boolean {
  return /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i.test(text);
}
