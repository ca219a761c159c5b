import { PatinaError } from "@patina/core/error";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { expect, test } from "vitest";
import type { Catalog } from "./catalog.ts";
import { catalogFailure } from "./failure.ts";
import { leaseUntil, releaseLease, takeLease } from "./leases.ts";
import * as schema from "./schema.ts";
import { changesOf, transaction } from "./transaction.ts";

const lost = () => Promise.reject(new Error("Network connection lost."));

/** A catalog whose database is not reached: D1 has no say in the text of that, so there is no D1_ERROR in it. */
function awayCatalog(): Catalog {
  const statement = { bind: () => statement, all: lost, run: lost, raw: lost, first: lost };
  return drizzle({ prepare: () => statement, batch: lost } as unknown as D1Database, { schema });
}

const LEASE = { name: "tick", holder: "me" };

/** Every way in which a query gets to D1. */
const QUERIES: [string, (catalog: Catalog) => Promise<unknown>][] = [
  ["transaction", (catalog) => transaction(catalog, [sql`select 1`])],
  ["transaction that counts", (catalog) => changesOf(catalog, [sql`select 1`])],
  ["select", (catalog) => leaseUntil(catalog, "tick")],
  ["insert that returns", (catalog) => takeLease(catalog, { ...LEASE, now: 0, length: 1 })],
  ["delete", (catalog) => releaseLease(catalog, LEASE)],
  ["raw query", (catalog) => catalog.all(sql`select 1`)],
  ["raw statement", (catalog) => catalog.run(sql`select 1`)],
];

test.each(QUERIES)(
  "a %s that the catalog does not answer says that it is away, and nothing of itself",
  async (_, ask) => {
    const thrown: unknown = await ask(awayCatalog()).catch((error) => error);
    const { code, message } = catalogFailure(thrown);
    expect({ code, message }).toEqual({
      code: "catalog_unavailable",
      message: "Cannot use the catalog: its database failed to answer",
    });
  },
);

test("what is not of the catalog's database keeps its code, or is a fault of Patina", () => {
  const known = new PatinaError("bucket_unavailable", "Cannot read");
  expect(catalogFailure(known)).toBe(known);
  expect(catalogFailure(new Error("D1_ERROR: no such table: x: SQLITE_ERROR")).code).toBe("catalog_unavailable");
  expect(catalogFailure(new TypeError("row data: hunter2"))).toMatchObject({ code: "internal" });
});
