import { env } from "cloudflare:test";
import { openCatalog } from "@patina/catalog/catalog";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { beforeEach, expect, test } from "vitest";
import { preflightOf } from "./preflights.ts";

beforeEach(async () => {
  await register(await emptyCatalog(), ["shop", "gone"]);
  for (const { name } of (await env.DB_SHOP.prepare("select name from sqlite_schema where type = 'table'").all())
    .results) {
    if (!String(name).startsWith("_cf") && !String(name).startsWith("sqlite"))
      await env.DB_SHOP.exec(`drop table "${name}"`);
  }
});

function look(name: string, hasKey = false) {
  return preflightOf(name, { open: () => openCatalog(env.CATALOG), bindings: { ...env }, hasKey });
}

test("a database is looked at through its binding, with its own rules, and no value of it is told", async () => {
  await env.DB_SHOP.exec("create table orders (id integer primary key, note text)");
  await env.DB_SHOP.exec("create index by_note on orders (note)");
  await env.DB_SHOP.exec("insert into orders (note) values ('hush'), ('hush hush')");
  const looked = await look("shop");
  expect(looked).toMatchObject({
    end: "looked",
    preflight: { mode: "snapshot", rows: 2, rowsRead: 2, rowsWritten: 4, refusal: null, warnings: [] },
  });
  expect(JSON.stringify(looked)).not.toContain("hush");
  await env.CATALOG.exec(
    'update databases set redactions = \'[{"table":"orders","column":"note","as":"digest"}]\' where name = \'shop\'',
  );
  expect(await look("shop")).toMatchObject({ preflight: { refusal: { code: "redaction_key_missing" } } });
  expect(await look("shop", true)).toMatchObject({ preflight: { refusal: null } });
});

test("a database without a binding, and one that nobody registered, are refused with a code", async () => {
  expect(await look("gone")).toMatchObject({ end: "refused", code: "source_missing" });
  expect(await look("cart")).toMatchObject({ end: "refused", code: "source_missing" });
});

test("a catalog that cannot be read is an answer as well", async () => {
  const open = () => Promise.reject(new Error("D1_ERROR: no"));
  expect(await preflightOf("shop", { open, bindings: {}, hasKey: false })).toMatchObject({ end: "refused" });
});
