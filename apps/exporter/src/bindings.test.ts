import { env } from "cloudflare:test";
import { listPublished, publishBindings } from "@patina/catalog/exporter-bindings";
import { emptyCatalog } from "@patina/catalog/testing";
import { expect, test } from "vitest";
import { databaseBindings, shardOf } from "./bindings.ts";

test("an exporter publishes its D1 bindings, and no other", () => {
  expect(databaseBindings({ ...env }).sort()).toEqual(["CATALOG", "DB_BLOG", "DB_SHOP"]);
});

test("what an exporter published is replaced by what it publishes later, and never by what it knew before", async () => {
  const catalog = await emptyCatalog();
  await publishBindings(catalog, { shard: 0, bindings: ["DB_SHOP"], publishedAt: 1_000 });
  await publishBindings(catalog, { shard: 0, bindings: ["DB_SHOP", "DB_BLOG"], publishedAt: 3_000 });
  await publishBindings(catalog, { shard: 0, bindings: [], publishedAt: 2_000 });
  await publishBindings(catalog, { shard: 1, bindings: ["DB_NEWS"], publishedAt: 1_000 });
  expect(await listPublished(catalog)).toEqual([
    { shard: 0, bindings: ["DB_BLOG", "DB_SHOP"], publishedAt: 3_000 },
    { shard: 1, bindings: ["DB_NEWS"], publishedAt: 1_000 },
  ]);
});

test("a shard is a number", () => {
  expect(shardOf("12")).toBe(12);
  for (const wrong of ["", "one", "-1", "1.5", "1000"]) expect(() => shardOf(wrong)).toThrow("Cannot serve a shard");
});
