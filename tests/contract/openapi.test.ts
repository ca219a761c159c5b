import { documentOf } from "@patina/dispatcher/api/openapi";
import { OPEN, OPERATIONS } from "@patina/dispatcher/api/operations";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";

const document = documentOf([...OPEN, ...OPERATIONS]);

test("the API's description of itself is a valid OpenAPI 3.1 document", async () => {
  const result = await new Validator().validate(structuredClone(document) as unknown as Record<string, unknown>);
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
});

test("every reference in it leads somewhere", () => {
  const known = Object.keys(document.components["schemas"] ?? {}).map((name) => `#/components/schemas/${name}`);
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
  expect(references.length).toBeGreaterThan(0);
  for (const reference of references) expect(known).toContain(reference);
});

test("operations have names of their own", () => {
  const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map((one) => one.operationId));
  expect(new Set(ids).size).toBe(ids.length);
});
