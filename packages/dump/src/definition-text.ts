/** Quoted things, which may hold anything, and the two kinds of comments. */
const QUOTED_OR_COMMENT =
  /('[^']*(?:''[^']*)*'|"[^"]*(?:""[^"]*)*"|`[^`]*(?:``[^`]*)*`|\[[^\]]*\])|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;

/** SQL without its comments; quoted things stay as they are. */
export function withoutComments(sql: string): string {
  return sql.replaceAll(QUOTED_OR_COMMENT, (_, quoted: string | undefined) => quoted ?? " ");
}

/** Whether what follows the text would still belong to a `--` comment in it. */
export function endsInComment(sql: string): boolean {
  for (const found of sql.matchAll(QUOTED_OR_COMMENT)) {
    if (found[0].startsWith("--") && found.index + found[0].length === sql.length) return true;
  }
  return false;
}
