import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import type { Manifest } from "@patina/archive/manifest";
import { BucketBackups } from "@patina/cli/backups/bucket-backups";
import { findBackup } from "@patina/cli/backups/reference";
import { type Content, contentOf } from "@patina/cli/restore/content";
import { restoreToSqlite } from "@patina/cli/restore/to-sqlite";
import { writeToFile } from "@patina/cli/restore/to-text";
import type { Proof } from "@patina/cli/restore/verdict";
import { FolderStore } from "@patina/cli/store/folder-store";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { beforeAll, expect, test } from "vitest";
import { compare } from "../compare/compare.ts";
import { d1Path, openDatabaseFile } from "../compare/d1-file.ts";
import { build, openEmpty } from "../corpus/build.ts";
import type { Case } from "../corpus/case.ts";
import { CORPUS } from "../corpus/corpus.ts";
import { store } from "./bucket-folder.ts";
import { testFolder } from "./command.ts";

const folder = testFolder();
const bucket = join(folder, "bucket");
const source = new BucketBackups(new FolderStore(bucket));
const named = CORPUS.map((entry, i) => [entry.name, entry, `case-${i}`] as const);
const manifests = new Map<string, Manifest>();

beforeAll(async () => {
  for (const [, entry, database] of named) {
    const ref = { kind: "daily", date: "2026-11-20", database } as const;
    manifests.set(database, await store(bucket, { ref, sql: entry.sql }));
  }
});

async function content(database: string, tables: readonly string[] = []): Promise<Content> {
  return await contentOf(await findBackup(database, async () => source), tables);
}

async function restored(path: string, of: Content) {
  return await restoreToSqlite({
    content: of,
    path,
    name: "x",
    check: "full",
    isAgreed: true,
    emergencyFolder: join(folder, "emergency"),
    onProgress: () => undefined,
  });
}

/** The proof passes, or finds what the source had wrong and the backup has said. */
function expectProven({ verdict, checks }: Proof, manifest: Manifest | undefined): void {
  if (verdict === "passed") return;
  expect(verdict, JSON.stringify(checks)).toBe("flawed");
  expect(manifest?.warnings, JSON.stringify(checks)).not.toEqual([]);
}

/** A restore is exact, or the manifest has said that it cannot be. */
function expectExact(entry: Case, database: string, path: string): void {
  const left = build(entry);
  const differences = compare(left, path, entry.exceptFts === undefined ? {} : { exceptFts: entry.exceptFts });
  left.close();
  if (differences.length === 0) return;
  expect(entry.loses, differences.join("\n")).toBeDefined();
  expect(manifests.get(database)?.warnings, differences.join("\n")).not.toEqual([]);
}

/** Those that SQLite finds nothing wrong with, in the restored database as in its source. */
const sound = new Set<string>();

test.each(named)("%s: is restored into a new file, and the verdict says so", async (_, entry, database) => {
  // Where workerd keeps a local D1 database of this name.
  const path = d1Path(join(folder, "state"), database);
  const { proof } = await restored(path, await content(database));
  if (proof.verdict === "passed") sound.add(database);
  expectProven(proof, manifests.get(database));
  expectExact(entry, database, path);
});

/** Says what is wrong with databases: SQLite's own check, and the rows of every table. */
const LOOK = `
export default {
  async fetch(request, env) {
    const wrong = [];
    for (const { binding, tables } of await request.json()) {
      try {
        const { quick_check } = await env[binding].prepare("PRAGMA quick_check").first();
        if (quick_check !== "ok") wrong.push(binding + ": " + quick_check);
        for (const { name, rows } of tables) {
          const sql = 'SELECT count(*) AS n FROM "' + name.replaceAll('"', '""') + '"';
          const { n } = await env[binding].prepare(sql).first();
          if (n !== rows) wrong.push(binding + ": " + n + " rows in " + name);
        }
      } catch (error) {
        wrong.push(binding + ": " + error.message);
      }
    }
    return Response.json(wrong);
  },
};`;

test("workerd takes every one of the new files for a local D1 database of its own, sound and with all its rows", async () => {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: LOOK,
      compatibilityDate: "2026-11-17",
      d1Databases: Object.fromEntries(named.map(([, , database]) => [database, database])),
      resourcePersistencePath: join(folder, "state"),
      host: "127.0.0.1",
      port: 0,
      cf: false,
      log: new Log(LogLevel.ERROR),
    }),
  );
  try {
    expect(sound.size).toBeGreaterThan(0.9 * named.length);
    const asked = [...manifests]
      .filter(([database]) => sound.has(database))
      .map(([binding, { tables }]) => ({ binding, tables: tables.map(({ name, rows }) => ({ name, rows })) }));
    const answer = await miniflare.dispatchFetch("http://look", { method: "POST", body: JSON.stringify(asked) });
    expect(await answer.json()).toEqual([]);
  } finally {
    await miniflare.dispose();
  }
});

test.each(named)(
  "%s: takes the place of another database, which is in use, with nothing left of it",
  async (name, entry, database) => {
    const path = join(folder, "replaced", `${name}.sqlite`);
    mkdirSync(join(folder, "replaced"), { recursive: true });
    const other = new DatabaseSync(path);
    other.exec(
      "PRAGMA journal_mode=WAL; CREATE TABLE other(a); INSERT INTO other VALUES(1); CREATE INDEX i ON other(a)",
    );
    const { proof, emergency } = await restored(path, await content(database));
    expectProven(proof, manifests.get(database));
    expect(gunzipSync(readFileSync(emergency ?? "")).toString()).toContain('INSERT INTO "other"');
    expect(other.prepare("SELECT count(*) AS others FROM sqlite_schema WHERE name = 'other'").get()).toEqual({
      others: 0,
    });
    other.close();
    expectExact(entry, database, path);
  },
);

test.each(named)(
  "%s: becomes SQL text in D1's form, which is exact within somebody else's transaction",
  async (name, entry, database) => {
    const text = join(folder, `${name}.sql`);
    await writeToFile(await content(database), { form: "d1", path: text, onProgress: () => undefined });
    const path = join(folder, `${name}-text.sqlite`);
    const db = openEmpty(path);
    db.exec("PRAGMA foreign_keys=OFF; BEGIN");
    db.exec(readFileSync(text, "utf8"));
    expect(db.isTransaction).toBe(true);
    db.exec("COMMIT");
    db.close();
    expectExact(entry, database, path);
  },
);

test.each(named)(
  "%s: each table is restored by itself, with its indexes and triggers",
  async (name, entry, database) => {
    const { tables = [] } = manifests.get(database) ?? {};
    const left = build(entry);
    for (const [i, table] of tables.entries()) {
      const path = join(folder, "tables", `${name}-${i}.sqlite`);
      const { proof } = await restored(path, await content(database, [table.name]));
      expectProven(proof, manifests.get(database));
      const right = openDatabaseFile(path);
      expect(partsOf(right, table.name), table.name).toEqual(partsOf(left, table.name));
      right.close();
    }
    left.close();
  },
);

/** Indexes and triggers of a table. What closes a comment at the end of a definition does not count. */
function partsOf(db: DatabaseSync, table: string): string[] {
  return db
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ? AND type <> 'table' ORDER BY type, name")
    .all(table)
    .map(({ type, name, sql }) => `${type} ${name} ${String(sql).replace(/(\n|\*\/)$/, "")}`);
}
