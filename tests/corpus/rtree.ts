import type { Case } from "./case.ts";

/**
 * R*Tree tables. Coordinates are written as multiples of powers of two only: node:sqlite 3.53.4 and workerd round
 * other numbers to 32-bit floats differently (0.1 becomes 0.09999998658895493 in one, 0.09999999403953552 in the
 * other), while a number that is a 32-bit float already stays what it is in both.
 */
export const RTREE: readonly Case[] = [
  {
    name: "rtree",
    breaks: "wrangler refuses every virtual table; shadow tables cannot be written in D1",
    sql: [
      "CREATE VIRTUAL TABLE box USING rtree(id, minx, maxx, miny, maxy)",
      "INSERT INTO box VALUES(1, 0.5, 1.25, -3, -2.5), (-9223372036854775808, 0, 0, 0, 0), (9007199254740993, 16777216, 16777218, 1, 1), (7, -9e999, 9e999, 0.1000000014901161193847656, 0.25)",
      "CREATE VIRTUAL TABLE line USING rtree(id, a, b)",
      "INSERT INTO line(a, b) VALUES(1, 2), (1, 2), (3, 4)",
      "DELETE FROM line WHERE id = 2",
      "CREATE VIRTUAL TABLE five USING rtree(id, a0, a1, b0, b1, c0, c1, d0, d1, e0, e1)",
      "INSERT INTO five(id, a0, a1) VALUES(3, 1, 2)",
    ],
  },
  {
    name: "rtree-with-columns",
    breaks: "auxiliary columns of every type, integers as coordinates, names in quotes",
    sql: [
      'CREATE VIRTUAL TABLE "geo tree" USING rtree(id, minX, maxX, +name TEXT, +"pay load")',
      `INSERT INTO "geo tree" VALUES(1, 0.5, 1, 'it''s', X'00FF'), (2, 0, 0, NULL, 9223372036854775807), (-3, 1, 2, 'a' || char(0) || 'b', 1.0), (4, 1, 2, 'x' || char(13, 10), '00123'), (5, 1, 2, '', X'')`,
      "CREATE VIRTUAL TABLE ints USING rtree_i32(id, x0, x1, y0, y1)",
      "INSERT INTO ints VALUES(1, -2147483648, 2147483647, 0, 0), (2, 5, 5, -1, 7)",
      "CREATE VIRTUAL TABLE hollow USING rtree(id, a, b, +c)",
    ],
  },
  {
    name: "rtree-many-rows",
    breaks: "a tree of several levels: its nodes differ after a restore, its answers do not",
    sql: [
      "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1, y0, y1, +label)",
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 800)
INSERT INTO r SELECT i * 3, i * 37 % 1000, i * 37 % 1000 + 0.5, i * 91 % 1000, i * 91 % 1000 + 2, 'label ' || i FROM n`,
      "DELETE FROM r WHERE id % 7 = 0",
      "CREATE VIEW near AS SELECT id, label FROM r WHERE x0 >= 100 AND x1 <= 200",
    ],
  },
];
