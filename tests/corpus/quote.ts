/** How the corpus writes SQL literals. Nothing here is shared with the dumper: the corpus is its oracle. */

/** An identifier in double quotes. */
export function name(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A text literal. Newlines stay as they are; NUL cannot be written this way. */
export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** A TEXT value of exactly these bytes, given as hex with spaces where they help: NUL and invalid UTF-8 included. */
export function textOf(hex: string): string {
  return `CAST(${blob(hex)} AS TEXT)`;
}

/** A BLOB literal, given as hex with spaces where they help. */
function blob(hex: string): string {
  return `X'${hex.replaceAll(" ", "")}'`;
}

/** `INSERT INTO table VALUES (...), (...)` from cells that are SQL already. */
export function insert(table: string, rows: readonly (readonly string[])[]): string {
  return `INSERT INTO ${table} VALUES ${rows.map((cells) => `(${cells.join(", ")})`).join(", ")}`;
}

/** The hex of a JS string's UTF-8. */
export function hexOf(value: string): string {
  return Buffer.from(value, "utf8").toString("hex");
}
