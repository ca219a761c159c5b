import { ERROR_CODES } from "@patina/core/error";
import { beforeEach, expect, test } from "vitest";
import { OPEN, OPERATIONS } from "./operations.ts";
import { TestApi } from "./testing.ts";

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start();
});

test("every route that the API has is in the OpenAPI document, and nothing else", async () => {
  const document = await api.json("/openapi.json");
  const documented = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`),
  );
  const operations = [...OPEN, ...OPERATIONS].map(({ method, path }) => `${method} ${path}`);
  expect(documented.sort()).toEqual([...new Set(operations)].sort());
  expect(operations).toHaveLength(documented.length);
});

test("/docs shows every operation and every code, and loads nothing", async () => {
  const answer = await api.ask("/docs");
  const page = await answer.text();
  for (const { method, path } of OPERATIONS) expect(page).toContain(`${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}<`);
  for (const code of Object.keys(ERROR_CODES)) expect(page).toContain(`id="${code}"`);
  expect(page).not.toMatch(/<script|<link|<img|src=|https?:\/\//);
  const [, nonce] = /style-src 'nonce-([^']+)'/.exec(answer.headers.get("content-security-policy") ?? "") ?? [];
  expect(page).toContain(`<style nonce="${nonce}">`);
});
