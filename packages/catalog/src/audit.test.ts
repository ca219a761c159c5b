import { sql } from "drizzle-orm";
import { beforeEach, expect, test } from "vitest";
import { auditStatement, listAudit, writeAudit } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { emptyCatalog } from "./testing.ts";
import { transaction } from "./transaction.ts";

const ACTOR = { name: "admin-token", request: "0123456789abcdef" };

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
});

test("the audit log says who did what to what, when and in which request", async () => {
  await writeAudit(catalog, {
    at: 7,
    actor: ACTOR,
    action: "backup.download",
    subject: "daily/2026-11-20/shop.sql.gz",
    detail: { format: "sql" },
  });
  expect(await listAudit(catalog, { limit: 10 })).toMatchObject([
    {
      at: 7,
      actor: "admin-token",
      action: "backup.download",
      subject: "daily/2026-11-20/shop.sql.gz",
      detail: { format: "sql" },
      request: "0123456789abcdef",
    },
  ]);
});

test("what was not done is not in the audit log, and neither is what the transaction took back", async () => {
  const entry = { at: 7, actor: ACTOR, action: "channel.add", subject: "ops" };
  await transaction(catalog, [auditStatement(entry, sql`false`)]);
  await expect(transaction(catalog, [auditStatement(entry), sql`select * from no_such_table`])).rejects.toThrow();
  expect(await listAudit(catalog, { limit: 10 })).toEqual([]);
});

test("listAudit() pages from the newest to the oldest", async () => {
  for (const at of [1, 2, 3]) await writeAudit(catalog, { at, actor: ACTOR, action: "a.b", subject: "s" });
  const [newest, second] = await listAudit(catalog, { limit: 2 });
  expect([newest?.at, second?.at]).toEqual([3, 2]);
  expect((await listAudit(catalog, { limit: 2, before: second?.id ?? 0 })).map(({ at }) => at)).toEqual([1]);
});
