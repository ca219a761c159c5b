import { Buffer } from "node:buffer";
import { refusalOf } from "./refusal.ts";
import { StatementSplitter } from "./statements.ts";

/** Statements that a target's own transactions stand for. */
const TRANSACTION = /^(?:BEGIN TRANSACTION|COMMIT|PRAGMA foreign_keys=(?:ON|OFF))$/;
const DEFER = "PRAGMA defer_foreign_keys=ON";
const CHECKS = /^PRAGMA ignore_check_constraints=(ON|OFF)$/;

/** How a row begins that the dump could only keep as a comment. */
const UNINSERTABLE = /^-- Cannot be inserted, a generated column fails: /gm;

/** A part of a dump that ends where a statement ends. */
export interface Stretch {
  readonly text: string;
  /** Offset of its first byte in the dump. */
  readonly start: number;
}

/** SQLite refused a statement. */
export class Refused extends Error {
  /** Where the statement stands in the dump. */
  readonly offset: number;
  /** How a definition begins, such as `CREATE INDEX by_name ON people`; null for any other statement. */
  readonly definition: string | null;

  constructor({ offset, statement }: { offset: number; statement: string }, cause: unknown) {
    super(refusalOf(cause), { cause });
    this.name = "Refused";
    this.offset = offset;
    this.definition = DEFINITION.exec(statement)?.[0].replaceAll(/\s+/g, " ") ?? null;
  }
}

const NAME = String.raw`(?:"(?:[^"]|"")*"|\`(?:[^\`]|\`\`)*\`|\[[^\]]*\]|'(?:[^']|'')*'|[^\s("\`[']+)`;
const NAMED = String.raw`\s+(?:IF\s+NOT\s+EXISTS\s+)?${NAME}`;
const DEFINITION = new RegExp(
  String.raw`^CREATE\s+(?:(?:VIRTUAL\s+)?TABLE${NAMED}|VIEW${NAMED}|(?:UNIQUE\s+)?INDEX${NAMED}\s+ON\s+${NAME}|TRIGGER${NAMED}[\w\s,"]*?\sON\s+${NAME})`,
  "i",
);

/** What running a part of a dump came to. */
export interface Replayed {
  readonly statements: number;
  /** Offsets in the dump of rows that it only holds as comments. */
  readonly uninsertable: readonly number[];
}

/** Runs one statement; `offset` says where in the dump it stands. Throws what SQLite says. */
export type Run = (sql: string, offset: () => number) => void;

/** Runs the statements of a dump, part after part, inside transactions that its owner makes. */
export class Replay {
  /** Whether CHECK constraints are off at the moment; another object has to begin with them as they were. */
  isUnchecked: boolean;
  readonly #run: Run;
  readonly #isDeferred: boolean;

  /**
   * @param isDeferred whether foreign keys may wait for the end of the transaction; otherwise each statement has to fit
   */
  constructor(run: Run, { isDeferred, isUnchecked }: { isDeferred: boolean; isUnchecked: boolean }) {
    this.#run = run;
    this.#isDeferred = isDeferred;
    this.isUnchecked = isUnchecked;
  }

  /** @throws {Refused} at the first statement that SQLite does not take */
  run({ text, start }: Stretch): Replayed {
    this.#run(`PRAGMA ignore_check_constraints=${this.isUnchecked ? "ON" : "OFF"}`, () => start);
    const splitter = new StatementSplitter();
    const offsetOf = (at: number) => start + Buffer.byteLength(text.slice(0, at));
    let at = 0;
    let statements = 0;
    for (const statement of [...splitter.push(text), ...splitter.end()]) {
      at = text.indexOf(statement, at);
      const offset = () => offsetOf(at);
      if (!TRANSACTION.test(statement) && (statement !== DEFER || this.#isDeferred)) {
        try {
          this.#run(statement, offset);
        } catch (error) {
          throw new Refused({ offset: offset(), statement }, error);
        }
        statements += 1;
        const [, checks] = CHECKS.exec(statement) ?? [];
        if (checks !== undefined) this.isUnchecked = checks === "ON";
      }
      at += statement.length;
    }
    return { statements, uninsertable: [...text.matchAll(UNINSERTABLE)].map(({ index }) => offsetOf(index)) };
  }
}
