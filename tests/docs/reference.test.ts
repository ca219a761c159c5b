import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_DRILL_ROWS } from "@patina/core/drill-schedule";
import { OPEN, OPERATIONS } from "@patina/dispatcher/api/operations";
import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { DOCUMENTS, ROOT } from "./documents.ts";

/** What the reference lists is what there is. */

const WORKERS = ["wrangler.toml", ...["exporter", "aggregator", "archiver"].map((app) => `apps/${app}/wrangler.toml`)];

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

test("every operation of the API is named in its document", () => {
  // `GET /archives`, `/:week` names two.
  const named = new Set<string>();
  let method = "";
  let base = "";
  for (const [, code = ""] of read("docs/api.md").matchAll(/`([^`\n]+)`/g)) {
    const [, own, path = ""] = /^(?:(GET|POST|PUT|PATCH|DELETE) )?(\/[^ ?]*)/.exec(code) ?? [];
    if (path === "") continue;
    if (own !== undefined) [method, base] = [own, path];
    for (const full of own === undefined ? [path, `${base}${path}`] : [path]) named.add(`${method} ${full}`);
  }
  const all = [...OPEN, ...OPERATIONS].map(({ method, path }) => `${method} ${path}`);
  expect(all.length).toBeGreaterThan(50);
  expect([...named]).toEqual(expect.arrayContaining(all));
});

test("every variable of a Worker is in the configuration reference, with its default", () => {
  const reference = read("docs/configuration.md").replace(/ +/g, " ");
  const variables = WORKERS.flatMap((path) => {
    const { vars = {} } = parse(read(path)) as { vars?: Record<string, string> };
    return Object.entries(vars);
  });
  expect(variables.length).toBeGreaterThan(5);
  for (const [name, value] of variables) {
    const row = reference.split("\n").find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row, name).toContain(value === "" ? "| none |" : `| \`${value}\` |`);
  }
  expect(reference).toContain(`| \`drill_rows\` | \`${DEFAULT_DRILL_ROWS}\` |`);
});

test("the README leads to every document", () => {
  const links = new Set([...read("README.md").matchAll(/\]\(([^)#\s]+)/g)].map(([, target = ""]) => target));
  for (const document of DOCUMENTS.filter((name) => name !== "README.md")) expect([...links]).toContain(document);
});
