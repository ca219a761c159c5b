/**
 * What SQLite says when it refuses a statement, without anything that could be a row's data: its messages about syntax
 * quote the statement.
 */
export function refusalOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  for (const pattern of SAFE) {
    const [found] = pattern.exec(message) ?? [];
    if (found !== undefined) return found;
  }
  const [code] = /SQLITE_[A-Z_]+/.exec(message) ?? [];
  return code ?? "an error of SQLite";
}

/** Messages that name tables, columns and functions, but quote no values. */
const SAFE = [
  /(?:UNIQUE|NOT NULL|PRIMARY KEY|CHECK) constraint failed: [\w.$ ,]+/,
  /FOREIGN KEY constraint failed/,
  /foreign key mismatch - "[^"]*" referencing "[^"]*"/,
  /no such (?:table|column|module|function|collation sequence): [\w.$]+/,
  /cannot store [A-Z]+ value in [A-Z]+ column [\w.$]+/,
  /(?:table|index|view|trigger) [\w.$"]+ already exists/,
  /database or disk is full/,
  /database disk image is malformed/,
  /out of memory/,
  /string or blob too big|statement too long/,
  /malformed JSON|syntax error|unrecognized token|incomplete input|datatype mismatch/,
];

/** Whether a refusal is about foreign keys: one transaction for everything, or an engine that does not enforce them, might do. */
export function isForeignKeyFault(refusal: string): boolean {
  return /^(?:FOREIGN KEY constraint failed|foreign key mismatch|no such table)/.test(refusal);
}
