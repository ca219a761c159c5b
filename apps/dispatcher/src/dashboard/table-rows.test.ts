import { expect, test } from "vitest";
import { tableRows } from "./table-rows.ts";

function manifest(rows: Record<string, number>) {
  const place = { digest: "0".repeat(64), start: 0, end: 0 };
  return {
    tables: Object.entries(rows).map(([name, count]) => ({ name, rows: count, ...place })),
  } as unknown as Parameters<typeof tableRows>[0];
}

test("tableRows() tells of each table how many rows it had before, and names those that came and went", () => {
  expect(tableRows(manifest({ users: 12, posts: 5 }), manifest({ users: 10, drafts: 3 }))).toEqual([
    { name: "users", rows: 12, before: 10 },
    { name: "posts", rows: 5, before: null },
    { name: "drafts", rows: null, before: 3 },
  ]);
});

test("tableRows() of a first backup has nothing before", () => {
  expect(tableRows(manifest({ users: 12 }), null)).toEqual([{ name: "users", rows: 12, before: null }]);
});
