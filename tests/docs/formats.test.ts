import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ArchiveManifest, IndexPage } from "@patina/archive/archive-index";
import { Manifest } from "@patina/archive/manifest";
import { DrillReceipt, VerifyReceipt } from "@patina/archive/receipt";
import { PROJECT } from "@patina/cli/local/workers";
import { expect, test } from "vitest";

/** What of a valibot schema says which fields there are. */
interface Shape {
  readonly type: string;
  readonly wrapped?: Shape;
  readonly item?: Shape;
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly options?: readonly unknown[];
}

/** The paths of a schema's fields, down to those that hold a value: `tables[].columns[].name`. */
function fieldsOf(shape: Shape, path = ""): string[] {
  switch (shape.type) {
    case "object":
      return Object.entries(shape.entries ?? {}).flatMap(([name, field]) =>
        fieldsOf(field, path === "" ? name : `${path}.${name}`),
      );
    case "array":
      return shape.item === undefined ? [] : fieldsOf(shape.item, `${path}[]`);
    case "variant":
      return (shape.options ?? []).flatMap((option) => fieldsOf(option as Shape, path));
    case "optional":
    case "nullable":
      return shape.wrapped === undefined ? [] : fieldsOf(shape.wrapped, path);
    default:
      return [path];
  }
}

/**
 * The fields that the first column of a section's table names. One that begins with a point stands beside the one before
 * it: `object.key`, `.bytes`.
 */
function documentedIn(document: string, heading: string): string[] {
  const text = readFileSync(join(PROJECT, "docs", "format", document), "utf8");
  const start = text.indexOf(`${heading}\n`);
  expect(start, `${document} has no "${heading}"`).toBeGreaterThanOrEqual(0);
  const [, ...rest] = text.slice(start).split("\n");
  const end = rest.findIndex((line) => line.startsWith("#"));
  const rows = (end < 0 ? rest : rest.slice(0, end)).filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) => {
    let parent = "";
    return [...(row.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => {
      const field = name.startsWith(".") ? `${parent}${name}` : name;
      parent = field.slice(0, field.lastIndexOf("."));
      return field;
    });
  });
}

const FORMATS: readonly (readonly [string, string, unknown])[] = [
  // Its digest is of the text, and added to that.
  [
    "manifest.md",
    "# The manifest, format 1",
    { ...Manifest, entries: { ...Manifest.entries, digest: { type: "string" } } },
  ],
  ["archive.md", "## The index", IndexPage],
  ["archive.md", "## The manifest", ArchiveManifest],
  ["receipts.md", "## Of a verification", VerifyReceipt],
  ["receipts.md", "## Of a drill", DrillReceipt],
];

test.each(FORMATS)(
  "%s documents under %j every field that is written, once, and no other",
  (document, heading, schema) => {
    const documented = documentedIn(document, heading);
    expect(documented.length).toBeGreaterThan(4);
    expect(new Set(documented).size).toBe(documented.length);
    expect(documented.toSorted()).toEqual([...new Set(fieldsOf(schema as Shape))].toSorted());
  },
);
