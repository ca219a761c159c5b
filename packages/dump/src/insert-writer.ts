import { Buffer } from "node:buffer";
import { type Cell, literal } from "./literal.ts";
import { quoteName } from "./name.ts";
import type { Output } from "./output.ts";
import { LINE_END, type RowBlock } from "./row-block.ts";
import { lineOf, linePieces } from "./row-line.ts";
import { MAX_STATEMENT_BYTES, MAX_STATEMENT_CELLS, type Rows } from "./rows.ts";
import type { Stage } from "./stage.ts";
import { type DigestState, TableDigest } from "./table-digest.ts";
import { Utf8Buffer } from "./utf8-buffer.ts";

const END = Buffer.from(";\n");

/** The pragma stays with D1's connection, so it is on for one statement at a time. */
const UNCHECKED = "PRAGMA ignore_check_constraints=ON";
const CHECKED = "PRAGMA ignore_check_constraints=OFF";

/** Where rows go: a table and the columns that are named. */
export interface Target {
  readonly name: string;
  readonly columns: readonly string[];
  /** Rows that satisfied its CHECK constraints may not do so when they are restored: they go in unchecked. */
  readonly isUnchecked?: boolean;
}

/** The head of a target's INSERT statements, for which readers must leave room. */
export function insertHead({ name, columns }: Target): string {
  return `INSERT INTO ${quoteName(name)}(${columns.map(quoteName).join(",")}) VALUES\n`;
}

/** A table of which not all rows are written. */
export interface InsertState {
  readonly rows: number;
  readonly bytes: number;
  readonly unchecked: number;
  readonly uninsertable: number;
  readonly statements: number;
  readonly digest: DigestState;
}

/**
 * Packs rows into INSERT statements: as many rows as fit into MAX_STATEMENT_BYTES and MAX_STATEMENT_CELLS, one row a
 * line. Where a statement ends depends on the rows alone, never on how they were read.
 */
export class InsertWriter {
  readonly digest: TableDigest;
  /** Rows that violate a CHECK, and rows that no INSERT takes. */
  unchecked = 0;
  uninsertable = 0;
  /** Statements of rows so far. */
  statements = 0;
  readonly #output: Output;
  readonly #head: Uint8Array;
  readonly #maxRows: number;
  readonly #isUnchecked: boolean;
  readonly #stage: Stage;
  readonly #line = new Utf8Buffer();
  /** Rows and bytes of the statement that is open; its last row's terminator is not yet written. */
  #rows = 0;
  #bytes = 0;

  constructor(options: {
    target: Target;
    output: Output;
    stage: Stage;
    state: InsertState | null;
  }) {
    const { target, output, stage, state } = options;
    this.#output = output;
    this.#stage = stage;
    this.#head = Buffer.from(insertHead(target));
    this.#isUnchecked = target.isUnchecked === true;
    const rows = Math.floor(MAX_STATEMENT_CELLS / Math.max(1, target.columns.length));
    // Rowid and a hundred columns: D1 takes 101 values in one row, but not in two.
    this.#maxRows = target.columns.length > 100 ? 1 : Math.max(1, rows);
    this.digest = new TableDigest(state?.digest);
    if (state === null) return;
    this.#rows = state.rows;
    this.#bytes = state.bytes;
    this.unchecked = state.unchecked;
    this.uninsertable = state.uninsertable;
    this.statements = state.statements;
  }

  get state(): InsertState {
    const { unchecked, uninsertable, statements } = this;
    return { rows: this.#rows, bytes: this.#bytes, unchecked, uninsertable, statements, digest: this.digest.state };
  }

  write(rows: Rows): void {
    if (rows.kind === "block") {
      this.#writeBlock(rows.block);
      return;
    }
    const { cells, trouble } = rows;
    switch (trouble) {
      case null:
        this.#writeRow(cells);
        return;
      case "check":
        this.#writeUnchecked(cells);
        return;
      case "generated":
        this.#writeComment(cells);
        return;
    }
  }

  /** Ends the statement that is open. */
  end(): void {
    if (this.#rows === 0) return;
    this.#endInsert(END);
    this.#rows = 0;
    this.#bytes = 0;
  }

  #beginInsert(): void {
    if (this.#isUnchecked) this.#statement(UNCHECKED);
    this.#output.write(this.#head);
  }

  #endInsert(rest: Uint8Array): void {
    this.#output.write(rest);
    this.#output.endStatement();
    this.statements += 1;
    if (this.#isUnchecked) this.#statement(CHECKED);
  }

  #writeBlock(block: RowBlock): void {
    this.digest.add(block);
    const { bytes, ends } = block;
    let start = 0;
    let end = 0;
    for (const next of ends) {
      const size = next - end;
      if (this.#rows > 0 && (this.#bytes + size > MAX_STATEMENT_BYTES || this.#rows >= this.#maxRows)) {
        this.#flush(bytes, start, end);
        this.end();
        start = end;
      }
      if (this.#rows === 0) {
        this.#beginInsert();
        this.#bytes = this.#head.length;
      } else if (start === end) {
        this.#output.write(LINE_END);
      }
      this.#rows += 1;
      this.#bytes += size;
      end = next;
    }
    this.#flush(bytes, start, end);
  }

  /** Writes rows that follow each other in a block, but for the terminator of the last one. */
  #flush(bytes: Uint8Array, start: number, end: number): void {
    if (end > start) this.#output.write(bytes.subarray(start, end - LINE_END.length));
  }

  #writeRow(cells: readonly Cell[]): void {
    const block = this.#blockOf(cells);
    if (block === null) this.#writeStaged(cells);
    else this.#writeBlock(block);
  }

  /** A row as a block of its own, or null when it fits into no statement. */
  #blockOf(cells: readonly Cell[]): RowBlock | null {
    let least = 0;
    for (const cell of cells) if (cell.type === "text" || cell.type === "blob") least += cell.value.length;
    if (least > MAX_STATEMENT_BYTES) return null;
    const bytes = this.#line.encode(lineOf(cells), LINE_END);
    return this.#head.length + bytes.length > MAX_STATEMENT_BYTES ? null : { bytes, ends: [bytes.length] };
  }

  /** A row that violates a CHECK, as it may when the CHECK was added later or was switched off. */
  #writeUnchecked(cells: readonly Cell[]): void {
    this.end();
    this.#statement(UNCHECKED);
    this.#writeRow(cells);
    this.end();
    this.#statement(CHECKED);
    this.unchecked += 1;
  }

  /** A row that no INSERT takes, because a generated column fails over it: kept as a comment. */
  #writeComment(cells: readonly Cell[]): void {
    this.end();
    this.#digestLong(cells);
    this.#output.write(Buffer.from("-- Cannot be inserted, a generated column fails: "));
    for (const piece of this.#bytesOf(cells)) this.#output.write(piece);
    this.#output.write(Buffer.from("\n"));
    this.#output.endStatement(0);
    this.uninsertable += 1;
  }

  #digestLong(cells: readonly Cell[]): void {
    const bytesOf = this.#bytesOf(cells);
    this.digest.addLong(
      (function* () {
        yield* bytesOf;
        yield LINE_END;
      })(),
    );
  }

  /** A row's line in pieces, each good until the next. */
  *#bytesOf(cells: readonly Cell[]): Generator<Uint8Array> {
    for (const piece of linePieces(cells)) yield this.#line.encode(piece);
  }

  #statement(sql: string): void {
    this.#output.write(Buffer.from(`${sql};\n`));
    this.#output.endStatement();
  }

  /** A row that fits into no statement: its large values are staged, and one INSERT moves them. */
  #writeStaged(cells: readonly Cell[]): void {
    this.#digestLong(cells);
    this.end();
    const from = this.#stagedFrom(cells);
    const values = cells.map((cell, id) => {
      if ((cell.type !== "text" && cell.type !== "blob") || cell.value.length <= from) return literal(cell);
      const value = this.#stage.put(id, cell.value);
      return cell.type === "text" ? `CAST(${value} AS TEXT)` : value;
    });
    this.#beginInsert();
    this.#endInsert(Buffer.from(`(${values.join(",")});\n`));
    this.#stage.clear();
  }

  /** Bytes of a value up to which it stays a literal: none beside names that take most of a statement. */
  #stagedFrom(cells: readonly Cell[]): number {
    let bytes = this.#head.length;
    for (const cell of cells) bytes += sizeOf(cell) > STAGED_FROM ? STAGED_BYTES : Buffer.byteLength(literal(cell)) + 1;
    return bytes + END.length <= MAX_STATEMENT_BYTES ? STAGED_FROM : 0;
  }
}

function sizeOf(cell: Cell): number {
  return cell.type === "text" || cell.type === "blob" ? cell.value.length : 0;
}

/** Values of up to this many bytes stay literals in the INSERT of a staged row: a hundred of them still fit. */
const STAGED_FROM = 200;

/** What stands for a staged value takes at most so many bytes. */
const STAGED_BYTES = 80;
