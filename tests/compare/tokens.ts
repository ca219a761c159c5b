/** Just enough of SQL's words to find where a comment ends and what a virtual table was given. */

export interface Token {
  readonly kind: "word" | "quoted" | "mark" | "comment";
  readonly text: string;
  /** False for a comment or quotation that the end of the text cuts off: -- without a newline, for one. */
  readonly closed: boolean;
}

const TOKEN =
  /--[^\n]*(\n)?|\/\*[\s\S]*?(\*\/|$)|'(?:[^']|'')*('|$)|"(?:[^"]|"")*("|$)|`(?:[^`]|``)*(`|$)|\[[^\]]*(\]|$)|[\w$\u0080-\uffff.]+|\S/g;

export function tokens(sql: string): readonly Token[] {
  return Array.from(sql.matchAll(TOKEN), (match) => {
    const text = match[0];
    const closed = match.slice(1).some((end) => end !== undefined && end !== "");
    if (text.startsWith("--") || text.startsWith("/*")) return { kind: "comment", text, closed };
    if (/^['"`[]/.test(text)) return { kind: "quoted", text, closed };
    return { kind: /^[\w$\u0080-\uffff.]/.test(text) ? "word" : "mark", text, closed: true };
  });
}

/** The text inside quotes of any of SQL's four kinds; other words as they are. */
export function unquote(text: string): string {
  const quote = text[0];
  if (quote === "[") return text.slice(1, -1);
  if (quote === "'" || quote === '"' || quote === "`") return text.slice(1, -1).replaceAll(quote + quote, quote);
  return text;
}
