import { QUOTED_OR_COMMENT } from "./definition-text.ts";
import { same } from "./name.ts";

/**
 * What can be told of an expression in a definition without evaluating it.
 */

/** What a CREATE INDEX says behind its table: the columns in their parentheses, and the condition. */
export function indexedPart(sql: string): string {
  for (const { text, index } of tokens(sql)) if (text === "(") return sql.slice(index);
  return "";
}

/** Whether SQL names something: as a bare word or in quotes, but not in a comment or a string. */
export function mentions(sql: string, name: string): boolean {
  for (const { text, isName } of tokens(sql)) {
    if (isName && same(unquoted(text), name)) return true;
  }
  return false;
}

/** Functions that give an answer or NULL for every text, and never an error. */
const HARMLESS = new Set(
  "lower upper trim ltrim rtrim length octet_length substr substring instr replace coalesce ifnull nullif iif typeof hex quote unicode min max round date time datetime julianday strftime unixepoch concat concat_ws".split(
    " ",
  ),
);

/** Words that may stand before a parenthesis without being a function. */
const SYNTAX = new Set("and as between by case cast else end in is not on or then when where".split(" "));

/** Words of operators that fail on some operands: a LIKE pattern may be too long, `->` wants JSON. */
const RISKY = new Set(["like", "glob", "match", "regexp", "->", "->>"]);

/** Whether an expression gives an answer for every text: no function or operator in it may fail. */
export function isHarmless(expression: string): boolean {
  let before = { text: "", isName: false };
  for (const token of tokens(expression)) {
    if (RISKY.has(token.text.toLowerCase())) return false;
    const word = before.text.toLowerCase();
    if (token.text === "(" && before.isName && !HARMLESS.has(word) && !SYNTAX.has(word)) return false;
    before = token;
  }
  return true;
}

const MOMENTS = new Set(["current_timestamp", "current_date", "current_time"]);
const CHANCES = new Set(["random", "randomblob", "changes", "total_changes", "last_insert_rowid"]);

/** Whether an expression asks for the time, or for something else that will be another thing later. */
export function isFleeting(expression: string): boolean {
  let before = "";
  for (const { text } of tokens(expression)) {
    const word = text.toLowerCase();
    if (MOMENTS.has(word) || (text === "(" && CHANCES.has(before))) return true;
    before = word;
  }
  return false;
}

/** Names (bare words and quoted ones), strings, and every other character; comments and white space left out. */
function* tokens(sql: string): Generator<{ text: string; index: number; isName: boolean }> {
  const token = new RegExp(
    `${QUOTED_OR_COMMENT.source}|([A-Za-z_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*)|->>?|\\S`,
    "g",
  );
  for (const { 0: text, 1: quoted, 2: word, index } of sql.matchAll(token)) {
    if (/^(--|\/\*)/.test(text)) continue;
    yield { text, index, isName: word !== undefined || (quoted !== undefined && !quoted.startsWith("'")) };
  }
}

function unquoted(name: string): string {
  const [quote = ""] = name;
  if (!'"`['.includes(quote)) return name;
  const inner = name.slice(1, -1);
  return quote === "[" ? inner : inner.replaceAll(quote + quote, quote);
}
