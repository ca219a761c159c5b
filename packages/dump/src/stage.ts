import { hex } from "./literal.ts";
import { folded, quoteName } from "./name.ts";
import type { Output } from "./output.ts";
import type { Schema } from "./schema.ts";
import { Utf8Buffer } from "./utf8-buffer.ts";

/** Bytes of one piece of a value; its hexadecimal fits into a statement. */
const PIECE_BYTES = 40_000;

/**
 * The table in which a restore puts large values together: made before the first value of a table that needs it, dropped
 * behind the table's last row. Inserting a part into the real table and appending by UPDATE would break CHECK constraints, generated columns
 * and STRICT tables, and fire triggers.
 */
export class Stage {
  readonly #name: string;
  readonly #output: Output;
  readonly #text = new Utf8Buffer();
  #isMade: boolean;

  constructor(schema: Schema, { output, isMade }: { output: Output; isMade: boolean }) {
    this.#name = quoteName(unusedName(schema, "patina_stage"));
    this.#output = output;
    this.#isMade = isMade;
  }

  /** Whether the restore has the table at this point of the dump. */
  get isMade(): boolean {
    return this.#isMade;
  }

  /** Puts a value together under a number; the expression that gives it back as a blob. */
  put(id: number, value: Uint8Array): string {
    if (!this.#isMade) this.#make();
    this.#isMade = true;
    for (let offset = 0; offset < value.length; offset += PIECE_BYTES) {
      const piece = `X'${hex(value.subarray(offset, offset + PIECE_BYTES))}'`;
      this.#statement(
        offset === 0
          ? `INSERT INTO ${this.#name}(id,v) VALUES(${id},${piece})`
          : `UPDATE ${this.#name} SET v=CAST(v||${piece} AS BLOB) WHERE id=${id}`,
      );
    }
    return `(SELECT v FROM ${this.#name} WHERE id=${id})`;
  }

  /** A restore that was cut off, and is begun again, finds the table that it had made. */
  #make(): void {
    this.#statement(`DROP TABLE IF EXISTS ${this.#name}`);
    this.#statement(`CREATE TABLE ${this.#name}(id INTEGER PRIMARY KEY, v BLOB)`);
  }

  /** Empties the table, if there is one. */
  clear(): void {
    if (this.#isMade) this.#statement(`DELETE FROM ${this.#name}`);
  }

  /** Removes the table, if it was ever needed. */
  drop(): void {
    if (this.#isMade) this.#statement(`DROP TABLE ${this.#name}`);
    this.#isMade = false;
  }

  #statement(sql: string): void {
    this.#output.write(this.#text.encode(`${sql};\n`));
    this.#output.endStatement();
  }
}

/** A name that nothing in the database has. */
export function unusedName(schema: Schema, wanted: string): string {
  const { tables, virtualTables, indexes, views } = schema;
  const taken = new Set([...tables, ...virtualTables, ...indexes, ...views].map(({ name }) => folded(name)));
  let name = wanted;
  for (let i = 1; taken.has(name); i += 1) name = `${wanted}_${i}`;
  return name;
}
