import { PatinaError } from "@patina/core/error";

const FIRST_LINE = "PRAGMA foreign_keys=OFF;\n";

interface Cut {
  /** Offset in the SQL. */
  readonly start: number;
  readonly line: Uint8Array;
}

/**
 * A dump without its two transaction lines, which is what D1's import takes: it has a transaction of its own. Where the
 * lines are is known, so nothing is searched for and no row can be mistaken for one.
 */
export class D1Form {
  readonly #cuts: readonly Cut[];
  /** Bytes that the other form has less. */
  readonly removed: number;
  #position = 0;

  /** @param bodyEnd offset in the SQL of the body's end, from the manifest */
  constructor(bodyEnd: number) {
    const line = (text: string) => new TextEncoder().encode(text);
    this.#cuts = [
      { start: FIRST_LINE.length, line: line("BEGIN TRANSACTION;\n") },
      { start: bodyEnd, line: line("COMMIT;\n") },
    ];
    this.removed = this.#cuts.reduce((sum, cut) => sum + cut.line.length, 0);
  }

  /**
   * Takes the next bytes of the SQL.
   *
   * @returns what of them belongs to the other form, in order
   * @throws {PatinaError} `backup_damaged` when something else is where a line must be
   */
  take(bytes: Uint8Array): Uint8Array[] {
    const from = this.#position;
    this.#position += bytes.length;
    const kept: Uint8Array[] = [];
    let at = 0;
    for (const { start, line } of this.#cuts) {
      const cutFrom = Math.max(at, start - from);
      const cutTo = Math.min(bytes.length, start + line.length - from);
      if (cutTo <= cutFrom) continue;
      const expected = line.subarray(from + cutFrom - start, from + cutTo - start);
      if (!expected.every((byte, i) => bytes[cutFrom + i] === byte)) {
        throw new PatinaError("backup_damaged", "Cannot read dump: its transaction is not where its manifest says");
      }
      kept.push(bytes.subarray(at, cutFrom));
      at = cutTo;
    }
    kept.push(bytes.subarray(at));
    return kept.filter((piece) => piece.length > 0);
  }
}
