/**
 * Cuts SQL text into statements, by the rules of SQLite's own sqlite3_complete(): a semicolon inside quotes, comments or
 * the body of a trigger ends nothing. Text arrives in pieces of any size.
 */
export class StatementSplitter {
  #text = "";
  /** Where the open statement's scan goes on. */
  #at = 0;
  #state: State = START;

  /** Adds text; the statements that it completed, without comments before them and without their semicolon. */
  push(text: string): string[] {
    this.#text += text;
    return this.#scan({ isEnd: false });
  }

  /** The statements that end with the text, whether or not a semicolon follows them. */
  end(): string[] {
    const statements = this.#scan({ isEnd: true });
    const rest = withoutLeadingComments(this.#text);
    this.#text = "";
    this.#at = 0;
    this.#state = START;
    return rest === "" ? statements : [...statements, rest];
  }

  #scan({ isEnd }: { isEnd: boolean }): string[] {
    const statements: string[] = [];
    let start = 0;
    TOKEN.lastIndex = this.#at;
    for (let found = TOKEN.exec(this.#text); found !== null; found = TOKEN.exec(this.#text)) {
      // A token that reaches the end of what is there may go on in the next piece.
      if (!isEnd && TOKEN.lastIndex === this.#text.length && found[0] !== ";") break;
      this.#state = NEXT[this.#state][kindOf(found[0])];
      this.#at = TOKEN.lastIndex;
      if (found[0] !== ";" || this.#state !== START) continue;
      const statement = withoutLeadingComments(this.#text.slice(start, this.#at - 1));
      if (statement !== "") statements.push(statement);
      start = this.#at;
    }
    this.#text = this.#text.slice(start);
    this.#at -= start;
    return statements;
  }
}

/** Cuts a whole text. */
export function splitStatements(sql: string): string[] {
  const splitter = new StatementSplitter();
  return [...splitter.push(sql), ...splitter.end()];
}

/** Says whether a text ends with a complete statement, as sqlite3_complete() does. */
export function isComplete(sql: string): boolean {
  let state: State = INVALID;
  for (const [token] of sql.matchAll(TOKEN)) {
    if (isUnterminated(token)) return false;
    if (token.startsWith("--") && !token.endsWith("\n")) return state === START;
    state = NEXT[state][kindOf(token)];
  }
  return state === START;
}

/**
 * The tokens that sqlite3_complete() knows: white space, comments, quoted things, words, and any other character. An
 * unterminated one reaches to the end.
 */
const TOKEN =
  /[ \r\t\n\f]+|--[^\n]*\n?|\/\*(?:[\s\S]*?\*\/|[\s\S]*$)|'[^']*(?:'|$)|"[^"]*(?:"|$)|`[^`]*(?:`|$)|\[[^\]]*(?:\]|$)|[A-Za-z0-9_$\u0080-\uffff]+|[\s\S]/g;

function isUnterminated(token: string): boolean {
  const [first = ""] = token;
  if (token.startsWith("/*")) return token.length < 4 || !token.endsWith("*/");
  if (first === "[") return !token.endsWith("]");
  return "'\"`".includes(first) && (token.length < 2 || !token.endsWith(first));
}

type Kind = "semi" | "space" | "other" | "explain" | "create" | "temp" | "trigger" | "end";

/** What a token is to the state table. */
export function kindOf(token: string): Kind {
  if (token === ";") return "semi";
  if (/^[ \r\t\n\f]|^--|^\/\*/.test(token)) return "space";
  switch (token.length <= 9 ? token.toLowerCase() : "") {
    case "create":
      return "create";
    case "trigger":
      return "trigger";
    case "temp":
    case "temporary":
      return "temp";
    case "end":
      return "end";
    case "explain":
      return "explain";
    default:
      return "other";
  }
}

const INVALID = 0;
/** Nothing but white space and comments since the last statement. */
export const START = 1;
/** In a statement that the next semicolon ends. */
export const NORMAL = 2;
const EXPLAIN = 3;
const CREATE = 4;
const TRIGGER = 5;
const SEMI = 6;
const END = 7;
export type State = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;

function row(semi: State, space: State, other: State, rest: Partial<Record<Kind, State>> = {}): Record<Kind, State> {
  return { semi, space, other, explain: other, create: other, temp: other, trigger: other, end: other, ...rest };
}

/** The state table of SQLite's src/complete.c. */
export const NEXT: Readonly<Record<State, Readonly<Record<Kind, State>>>> = {
  [INVALID]: row(START, INVALID, NORMAL, { explain: EXPLAIN, create: CREATE }),
  [START]: row(START, START, NORMAL, { explain: EXPLAIN, create: CREATE }),
  [NORMAL]: row(START, NORMAL, NORMAL),
  [EXPLAIN]: row(START, EXPLAIN, EXPLAIN, {
    explain: NORMAL,
    create: CREATE,
    temp: NORMAL,
    trigger: NORMAL,
    end: NORMAL,
  }),
  [CREATE]: row(START, CREATE, NORMAL, { temp: CREATE, trigger: TRIGGER }),
  [TRIGGER]: row(SEMI, TRIGGER, TRIGGER),
  [SEMI]: row(SEMI, SEMI, TRIGGER, { end: END }),
  [END]: row(START, END, TRIGGER),
};

const LEADING = /^(?:[ \r\t\n\f]+|--[^\n]*(?:\n|$)|\/\*(?:[\s\S]*?\*\/|[\s\S]*$))+/;

function withoutLeadingComments(sql: string): string {
  return sql.replace(LEADING, "");
}
