import { env } from "cloudflare:test";
import { NO_RULES } from "@patina/core/rules";
import { type DumpSummary, dump } from "@patina/dump/dump";
import { beforeEach, expect, test } from "vitest";
import { d1Source } from "./d1-source.ts";

/** A database of several pages into which somebody writes while it is read, in D1. */

const ROWS = 2_000;

beforeEach(async () => {
  for (const sql of [
    "drop table if exists log",
    "drop table if exists items",
    "drop table if exists later",
    "create table items (id integer primary key, name text)",
    "create table log (what text)",
    "create trigger items_changed after update on items begin insert into log values ('changed'); end",
    `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
       insert into items select i, printf('%.*c', 1500, 'x') from n`,
  ]) {
    await env.DB_BLOG.prepare(sql).run();
  }
});

const NOWHERE = {
  position: 0,
  write: () => undefined,
  endStatement: () => undefined,
  beginBody: () => undefined,
  endBody: () => undefined,
};

/** Dumps the database, with something happening before its n-th batch of queries. */
async function read(options: {
  happens?: (batch: number) => Promise<void>;
  isTolerant?: boolean;
  isCertain?: boolean;
  snapshotBytes?: number;
}) {
  const { happens, isTolerant = true, isCertain = false, snapshotBytes = 0 } = options;
  const source = d1Source("blog", env.DB_BLOG);
  let batches = 0;
  const run = dump(
    {
      ...source,
      async batch(queries) {
        batches += 1;
        await happens?.(batches);
        return await source.batch(queries);
      },
    },
    {
      database: "blog",
      environment: "local",
      job: "nightly-2026-11-20",
      startedAt: "2026-11-20T03:00:00.000Z",
      rules: NO_RULES,
      redactionKey: null,
      snapshotBytes,
      output: NOWHERE,
      isTolerant,
      isCertain,
    },
  );
  let step = await run.next();
  while (!step.done) step = await run.next();
  const summary: DumpSummary = step.value;
  return { summary, batches };
}

test("a quiet database is stable every time", async () => {
  for (let i = 0; i < 5; i += 1) {
    const { summary } = await read({});
    expect(summary).toMatchObject({ mode: "paged", consistency: "stable", rows: ROWS });
    expect(summary.rowsRead).toBeLessThanOrEqual(1.05 * ROWS + 100);
  }
});

test("a table without rowids, with keys in both directions, is read once too", async () => {
  for (const sql of [
    "drop table items",
    "create table items (tenant text, at integer, what text, primary key (tenant, at desc)) without rowid",
    `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
       insert into items select 'tenant ' || i % 3, i, printf('%.*c', 1500, 'x') from n`,
  ]) {
    await env.DB_BLOG.prepare(sql).run();
  }
  const { summary } = await read({});
  expect(summary.rows).toBe(ROWS);
  expect(summary.rowsRead).toBeLessThanOrEqual(1.05 * ROWS + 100);
});

test.each([
  ["whose values SQLite can write", "'x'"],
  ["of which a value has to be read as hexadecimal", "char(0)"],
])(
  "a table of many columns %s is read once, counted and all, when the database is read in one piece",
  async (_, value) => {
    const columns = Array.from({ length: 40 }, (__, i) => `c${i}`).join(",");
    for (const sql of [
      "drop table items",
      `create table items (id integer primary key, ${columns})`,
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
       insert into items (id, c0, c39) select i, 'some text', i / 8.0 from n`,
      `update items set c1 = ${value} where id = 1`,
    ]) {
      await env.DB_BLOG.prepare(sql).run();
    }
    const { summary } = await read({ snapshotBytes: 2_000_000 });
    expect(summary).toMatchObject({ mode: "snapshot", rows: ROWS });
    // A database that has to be asked again is read again.
    const readings = value === "'x'" ? 1 : 2;
    expect(summary.rowsRead).toBeLessThanOrEqual(1.05 * readings * ROWS + 100);
  },
);

const WRITES: readonly (readonly [string, readonly string[]])[] = [
  ["inserts", ["insert into log values ('new')"]],
  ["updates, and a trigger with it", ["update items set name = 'new' where id = 1"]],
  ["deletes and inserts the same again", ["delete from items where id = 1", "insert into items values (1, 'new')"]],
  ["replaces a row by itself", ["replace into items select * from items where id = 7"]],
];

test.each(WRITES)("a database into which somebody %s before any one query is never stable", async (_, statements) => {
  const { batches } = await read({});
  // The fence stands from the third batch on: before it nothing has been read but the schema and the size.
  for (let at = 3; at <= batches; at += 1) {
    const { summary } = await read({
      async happens(batch) {
        if (batch === at) for (const sql of statements) await env.DB_BLOG.prepare(sql).run();
      },
    });
    expect(summary.consistency, `before batch ${at} of ${batches}`).toBe("fuzzy");
  }
  expect(batches).toBeGreaterThan(6);
});

test("a write ends a reading that does not tolerate it at the next query, so that little is read in vain", async () => {
  let seen = 0;
  const reading = read({
    isTolerant: false,
    async happens(batch) {
      seen = batch;
      if (batch === 4) await env.DB_BLOG.prepare("update items set name = 'new' where id = 1").run();
    },
  });
  await expect(reading).rejects.toMatchObject({ code: "source_changed" });
  expect(seen).toBeLessThan(7);
});

test("a schema that changes before any one query ends the reading", async () => {
  const { batches } = await read({});
  // The third batch reads the schema; before the last everything has been read and the schema compared.
  for (let at = 4; at < batches; at += 1) {
    await env.DB_BLOG.prepare("drop table if exists later").run();
    const reading = read({
      async happens(batch) {
        if (batch === at) await env.DB_BLOG.prepare("create table later (a)").run();
      },
    });
    await expect(reading, `before batch ${at} of ${batches}`).rejects.toMatchObject({ code: "schema_changed" });
  }
});

test("a table that is dropped while it is read is a changed schema, not a failed statement", async () => {
  const reading = read({
    async happens(batch) {
      if (batch === 5) await env.DB_BLOG.prepare("drop table items").run();
    },
  });
  await expect(reading).rejects.toMatchObject({ code: "schema_changed" });
});

test("a reading that demands certainty reads every row twice", async () => {
  const { summary } = await read({ isCertain: true });
  expect(summary.consistency).toBe("stable");
  expect(summary.rowsRead).toBeGreaterThan(1.9 * ROWS);
});

test("a reading that demands certainty sees a change that moves no counter", async () => {
  // Stands for a write that the counters of hosted D1 might not show: they are hidden from the reading.
  const source = d1Source("blog", env.DB_BLOG);
  const first = await read({});
  let batches = 0;
  const run = dump(
    {
      async batch(queries) {
        batches += 1;
        if (batches === first.batches) await env.DB_BLOG.prepare("update items set name = 'new' where id = 3").run();
        const results = await source.batch(queries);
        return results.map((result, i) =>
          queries[i]?.sql.includes("total_changes()") ? { ...result, rows: [[1, "1"]] } : result,
        );
      },
    },
    {
      database: "blog",
      environment: "local",
      job: "nightly-2026-11-20",
      startedAt: "2026-11-20T03:00:00.000Z",
      rules: NO_RULES,
      redactionKey: null,
      snapshotBytes: 0,
      output: NOWHERE,
      isCertain: true,
    },
  );
  let step = await run.next();
  while (!step.done) step = await run.next();
  expect(step.value.consistency).toBe("fuzzy");
});
