/** Quoted things, which may hold anything, and the two kinds of comments. */
export const QUOTED_OR_COMMENT =
  /('[^']*(?:''[^']*)*'|"[^"]*(?:""[^"]*)*"|`[^`]*(?:``[^`]*)*`|\[[^\]]*\])|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;

/** SQL without its comments; quoted things stay as they are. */
export function withoutComments(sql: string): string {
  return sql.replaceAll(QUOTED_OR_COMMENT, (_, quoted: string | undefined) => quoted ?? " ");
}

/**
 * What a definition needs at its end so that the semicolon behind it is not swallowed by a comment: a line feed, the end
 * of a comment that is still open, or nothing.
 */
export function closing(sql: string): string {
  for (const found of sql.matchAll(QUOTED_OR_COMMENT)) {
    const [token] = found;
    if (found.index + token.length !== sql.length) continue;
    // SQLite takes white space and then one semicolon from the end of a view, its comment included.
    if (token.startsWith("--")) return sql.startsWith("CREATE VIEW ") && /[\s;]$/.test(token) ? ";\n" : "\n";
    if (token.startsWith("/*") && (token.length < 4 || !token.endsWith("*/"))) return "*/";
  }
  return "";
}

/** The expressions of all CHECK constraints of a CREATE TABLE. */
export function checksOf(sql: string): string[] {
  return expressionsAfter(sql, "check");
}

/** The expressions of all generated columns of a CREATE TABLE, in the order of the columns. */
export function generatedExpressions(sql: string): string[] {
  return expressionsAfter(sql, "as");
}

/** What stands in parentheses behind each occurrence of a keyword. */
function expressionsAfter(sql: string, keyword: string): string[] {
  const expressions: string[] = [];
  for (const word of words(sql)) {
    if (word.text.toLowerCase() !== keyword) continue;
    const expression = parenthesised(sql, word.end);
    if (expression !== null) expressions.push(expression);
  }
  return expressions;
}

/** The words of a definition that stand outside of quotes and comments. */
function* words(sql: string): Generator<{ text: string; end: number }> {
  const token = new RegExp(`${QUOTED_OR_COMMENT.source}|([A-Za-z_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*)`, "g");
  for (const found of sql.matchAll(token)) {
    const word = found[2];
    if (word !== undefined) yield { text: word, end: found.index + word.length };
  }
}

/** What stands in the parentheses that open next after `from`, or null when something else comes first. */
function parenthesised(sql: string, from: number): string | null {
  const token = new RegExp(`${QUOTED_OR_COMMENT.source}|([()])|\\S`, "g");
  token.lastIndex = from;
  let depth = 0;
  let start = -1;
  for (let found = token.exec(sql); found !== null; found = token.exec(sql)) {
    const isComment = found[0].startsWith("--") || found[0].startsWith("/*");
    if (start < 0 && found[2] !== "(" && !isComment) return null;
    if (found[2] === "(") {
      if (depth === 0) start = found.index + 1;
      depth += 1;
    } else if (found[2] === ")") {
      depth -= 1;
      if (depth === 0) return sql.slice(start, found.index);
    }
  }
  return null;
}
