import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, test } from "vitest";
import { applyMigrations } from "./migrations.ts";
import { LocalState } from "./state.ts";
import { CATALOG_ID, MIGRATIONS, PROJECT } from "./workers.ts";

const folder = mkdtempSync(join(tmpdir(), "patina-migrations-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("wrangler finds nothing left to apply", () => {
  const state = new LocalState(join(folder, "state"));
  state.make();
  applyMigrations(state.databaseFile(CATALOG_ID), MIGRATIONS);
  const args = ["d1", "migrations", "list", "patina-catalog", "--local", "--persist-to", state.persist];
  const listed = spawnSync(join(PROJECT, "node_modules", ".bin", "wrangler"), args, { cwd: PROJECT, encoding: "utf8" });
  expect(listed.stdout).toContain("No migrations to apply");
});

test("a migration that fails leaves nothing of itself and all of those before it; the next run goes on there", () => {
  const migrations = join(folder, "migrations");
  mkdirSync(migrations);
  writeFileSync(
    join(migrations, "0000_a.sql"),
    "CREATE TABLE a(x);\n--> statement-breakpoint\nINSERT INTO a VALUES(1)",
  );
  writeFileSync(join(migrations, "0001_b.sql"), "CREATE TABLE b(x);\nINSERT INTO missing VALUES(1)");
  const file = join(folder, "some.sqlite");
  expect(() => applyMigrations(file, migrations)).toThrow("no such table: missing");
  const names = () => {
    const db = new DatabaseSync(file);
    const rows = db.prepare("SELECT name FROM sqlite_schema WHERE name IN ('a', 'b')").all();
    db.close();
    return rows.map(({ name }) => name);
  };
  expect(names()).toEqual(["a"]);
  writeFileSync(join(migrations, "0001_b.sql"), "CREATE TABLE b(x)");
  applyMigrations(file, migrations);
  expect(names()).toEqual(["a", "b"]);
});
