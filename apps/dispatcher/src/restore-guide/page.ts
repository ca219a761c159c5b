import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { Block } from "./block.ts";

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** Blocks as a page that loads nothing from anywhere. */
export function page(blocks: readonly Block[], { title, nonce }: { title: string; nonce: string }): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style nonce="${nonce}">${raw(STYLE)}</style>
</head>
<body>
<main>
${blocks.map(blockHtml)}
</main>
</body>
</html>`;
}

function blockHtml(block: Block): Html {
  switch (block.is) {
    case "heading":
      return block.level === 1 ? html`<h1>${block.text}</h1>` : html`<h2>${block.text}</h2>`;
    case "text":
      return html`<p>${block.text}</p>`;
    case "code":
      return html`<pre><code>${block.lines.join("\n")}</code></pre>`;
    case "table":
      return html`<table>
<thead><tr>${block.head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${block.rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
</table>`;
  }
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid #8886; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; }
`;
