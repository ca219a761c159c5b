import { isForeignKeyFault, refusalOf } from "@patina/dump/refusal";
import { Replay } from "@patina/dump/replay";
import { HeldTexts } from "./held-texts.ts";
import { type Part, type ScratchState, type TableRange, tableAt, withUninsertable } from "./scratch-state.ts";

/**
 * How a scratch database takes a dump. A Durable Object always enforces foreign keys, and is reset, without an error that
 * could be caught, when a transaction that it commits violates one. So nothing is ever committed that could.
 */

/** Bytes of statements that are run again for each piece of comparing, at most. */
const MAX_HELD_BYTES = 32_000_000;

/** A statement that reads what the statements before it have put together: a row too long for one statement. */
const STAGED = /\(SELECT v FROM "patina_stage(?:_\d+)?" WHERE id=\d+\)/;

/** An INSERT, and the name of its table as it stands there. */
const INSERT = /^INSERT INTO "((?:[^"]|"")*)"/;

/** What must not come before rows that are held back: it would count them, index them, or act on them. */
const AFTER_ROWS = [
  /^CREATE\s+(?:TEMP\s+|TEMPORARY\s+)?TRIGGER\b/i,
  /^(?:DELETE FROM|INSERT INTO) "sqlite_sequence"/,
  / VALUES\('rebuild'\)$/,
];

const CHECKS = "PRAGMA ignore_check_constraints=";

/** Restores into one Durable Object. The state that is passed around is the owner's to store. */
export class ScratchRestore {
  readonly #sql: SqlStorage;
  readonly #kv: SyncKvStorage;

  constructor({ sql, kv }: DurableObjectStorage) {
    this.#sql = sql;
    this.#kv = kv;
  }

  /** Keeps a part for later as it is. */
  hold(state: ScratchState, { text, start, end }: Pick<Part, "text" | "start" | "end">): ScratchState {
    const bytes = new HeldTexts(this.#kv, state.held).add({ text, start });
    return { ...state, at: end, held: state.held + 1, heldBytes: state.heldBytes + bytes };
  }

  /**
   * Runs a part, every statement held to its foreign keys. One whose parents are not there yet is held back.
   *
   * @throws {Refused}
   */
  run(before: ScratchState, part: Part): ScratchState {
    let state = before;
    const isDeferred = this.#deferredTables();
    const holdBack = (sql: string, start: number) => {
      const text = replay.isUnchecked ? `${CHECKS}ON;\n${sql};\n${CHECKS}OFF;\n` : `${sql};\n`;
      state = this.hold(state, { text, start, end: state.at });
    };
    const replay = new Replay(
      (sql, offset) => {
        if (state.held > 0 && AFTER_ROWS.some((pattern) => pattern.test(sql))) return holdBack(sql, offset());
        const { rows, reason } = isDeferred(sql) ? DEFERRED : this.#try(sql);
        state = { ...state, rowsWritten: state.rowsWritten + rows };
        if (reason === null) return;
        if (STAGED.test(sql)) state = leaveOut(state, { tables: part.tables, offset: offset(), reason });
        else holdBack(sql, offset());
      },
      { isDeferred: false, isUnchecked: before.isUnchecked },
    );
    const { uninsertable: offsets } = replay.run(part);
    return {
      ...state,
      at: part.end,
      isUnchecked: replay.isUnchecked,
      uninsertable: withUninsertable(state.uninsertable, { offsets, tables: part.tables }),
      refusal: state.heldBytes > MAX_HELD_BYTES ? tooMuchHeld(part.start) : null,
    };
  }

  /**
   * Runs what is held back. Foreign keys have until the end of the transaction, which the owner takes back before it
   * comes.
   *
   * @throws {Refused}
   */
  replay(before: ScratchState, tables: readonly TableRange[]): ScratchState {
    let state = before;
    this.#sql.exec("PRAGMA defer_foreign_keys=ON");
    const replay = new Replay(
      (sql, offset) => {
        const { rows, reason } = this.#try(sql);
        state = { ...state, rowsWritten: state.rowsWritten + rows };
        // Not even then: the parent does not exist, or has no unique key. SQLite cannot be asked to look away.
        if (reason !== null) state = leaveOut(state, { tables, offset: offset(), reason });
      },
      { isDeferred: true, isUnchecked: false },
    );
    for (const held of new HeldTexts(this.#kv, before.held).all()) {
      const { uninsertable: offsets } = replay.run(held);
      state = { ...state, uninsertable: withUninsertable(state.uninsertable, { offsets, tables }) };
    }
    return state;
  }

  /** Whether a statement inserts into a table with a foreign key that says by itself that it may wait. */
  #deferredTables(): (sql: string) => boolean {
    const known = new Map<string, boolean>();
    return (sql) => {
      const [, quoted] = INSERT.exec(sql) ?? [];
      if (quoted === undefined) return false;
      const name = quoted.replaceAll('""', '"');
      const isDeferred = known.get(name) ?? this.#isDeferred(name);
      known.set(name, isDeferred);
      return isDeferred;
    };
  }

  #isDeferred(table: string): boolean {
    const [found] = this.#sql.exec("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", table).toArray();
    return /INITIALLY\s+DEFERRED/i.test(String(found?.["sql"] ?? ""));
  }

  /** Runs a statement; rows written, and what SQLite says when a foreign key keeps it from that. */
  #try(sql: string): { rows: number; reason: string | null } {
    try {
      const cursor = this.#sql.exec(sql);
      cursor.toArray();
      return { rows: cursor.rowsWritten, reason: null };
    } catch (error) {
      const reason = refusalOf(error);
      if (!isForeignKeyFault(reason)) throw error;
      return { rows: 0, reason };
    }
  }
}

const DEFERRED = { rows: 0, reason: "FOREIGN KEY constraint failed" };

function leaveOut(
  state: ScratchState,
  { tables, offset, reason }: { tables: readonly TableRange[]; offset: number; reason: string },
): ScratchState {
  return { ...state, leftOut: new Map(state.leftOut).set(tableAt(tables, offset), reason) };
}

function tooMuchHeld(offset: number): ScratchState["refusal"] {
  const size = `${MAX_HELD_BYTES / 1_000_000} MB`;
  const reason = `foreign keys hold only once more than ${size} of rows are in, and that is more than one transaction takes`;
  return { offset, definition: null, reason, end: "unprovable" };
}
