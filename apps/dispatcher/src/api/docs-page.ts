import { ERROR_CODES, type ErrorCode } from "@patina/core/error";
import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { Document, DocumentedOperation } from "./openapi.ts";
import { titleOf } from "./problem.ts";

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** The OpenAPI document as one page that loads nothing from anywhere. */
export function docsPage({ info, tags, paths, components }: Document, nonce: string): Html {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title} API</title>
<style nonce="${nonce}">${raw(STYLE)}</style>
</head>
<body>
<main>
<h1>${info.title} API ${info.version}</h1>
<p>${info.description} The same as <a href="/openapi.json">OpenAPI 3.1</a>.</p>
${tags.map(
  ({ name }) => html`<h2>${name}</h2>
${operations.filter(({ operation }) => operation.tags.includes(name)).map(section)}`,
)}
<h2>Shapes</h2>
${Object.entries(components["schemas"] ?? {}).map(
  ([name, schema]) => html`<details id="shape-${name}"><summary>${name}</summary>${code(schema)}</details>`,
)}
<h2>Codes of problems</h2>
<p>Every failure is <code>application/problem+json</code> (RFC 9457) with one of these in <code>code</code>.</p>
<table>
<thead><tr><th>Code</th><th>Status</th><th>What to do</th></tr></thead>
<tbody>${(Object.keys(ERROR_CODES) as ErrorCode[]).map(
    (name) => html`
<tr id="${name}"><td><code>${name}</code><br>${titleOf(name)}</td><td>${ERROR_CODES[name].status}</td><td>${ERROR_CODES[name].next}</td></tr>`,
  )}
</tbody>
</table>
</main>
</body>
</html>`;
}

function section({ path, method, operation }: { path: string; method: string; operation: DocumentedOperation }): Html {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  return html`<section id="${operationId}">
<h3><code>${method.toUpperCase()} ${path}</code> ${summary}</h3>
${description === undefined ? "" : html`<p>${description}</p>`}
${
  parameters.length === 0
    ? ""
    : html`<table>
<thead><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr></thead>
<tbody>${parameters.map(
        (parameter) =>
          html`<tr><td><code>${parameter.name}</code></td><td>${parameter.in}</td><td>${parameter.description ?? ""} <code>${JSON.stringify(parameter.schema)}</code></td></tr>`,
      )}</tbody>
</table>`
}
${requestBody === undefined ? "" : html`<details><summary>Body</summary>${code(requestBody.content)}</details>`}
<table>
<thead><tr><th>Status</th><th>Meaning</th></tr></thead>
<tbody>${Object.entries(responses).map(
    ([status, answer]) =>
      html`<tr><td>${status}</td><td>${answer.description} ${Object.keys(answer.content ?? {}).join(", ")}</td></tr>`,
  )}</tbody>
</table>
</section>`;
}

function code(value: unknown): Html {
  return html`<pre>${JSON.stringify(value, null, 2)}</pre>`;
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid #8886; overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .5rem; border: 1px solid #8886; }
section { margin: 2rem 0; }
`;
