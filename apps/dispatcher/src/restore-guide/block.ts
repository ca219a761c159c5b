/** A document as its parts: written once, shown as Markdown and as HTML. */
export type Block =
  | { readonly is: "heading"; readonly level: 1 | 2; readonly text: string }
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "code"; readonly language: "sh" | "sql"; readonly lines: readonly string[] }
  | { readonly is: "table"; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };

export function heading(level: 1 | 2, text: string): Block {
  return { is: "heading", level, text };
}

export function text(line: string): Block {
  return { is: "text", text: line };
}

export function code(language: "sh" | "sql", lines: readonly string[]): Block {
  return { is: "code", language, lines };
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): Block {
  return { is: "table", head, rows };
}
