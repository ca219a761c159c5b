import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PROJECT } from "@patina/cli/local/workers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeDatabase, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

function command(args: readonly string[], options: { cwd?: string } = {}) {
  const run = spawnSync(process.execPath, [join(PROJECT, "apps/cli/src/main.ts"), ...args], {
    cwd: options.cwd ?? folder.path,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { exit: run.status, out: run.stdout, err: run.stderr };
}

let states = 0;
function freshState(): string {
  states += 1;
  return join(folder.path, `state-${states}`);
}

function up(args: readonly string[], state = freshState()) {
  return { ...command(["up", "--once", "--port", "0", "--state", state, ...args]), state };
}

const good = makeDatabase(folder.path, { name: "good", rows: 3 });

/** Files that are no database for D1, each with a part of the reason that must be given. */
function badFiles(): { name: string; file: string; reason: string }[] {
  const make = (name: string, build: (db: DatabaseSync) => void) => {
    const file = join(folder.path, `${name}.sqlite`);
    const db = new DatabaseSync(file);
    build(db);
    db.close();
    return file;
  };
  const text = join(folder.path, "text.sqlite");
  writeFileSync(text, "this is no database, but long enough to look at".repeat(50));
  const encrypted = join(folder.path, "encrypted.sqlite");
  writeFileSync(encrypted, createHash("sha512").update("key").digest().toString("latin1").repeat(100), "latin1");
  const corrupt = make("corrupt", (db) => {
    db.exec("CREATE TABLE t (a TEXT); CREATE INDEX i ON t (a)");
    const insert = db.prepare("INSERT INTO t VALUES (?)");
    for (let i = 0; i < 2_000; i += 1) insert.run(`row ${i} `.repeat(10));
  });
  const handle = openSync(corrupt, "r+");
  writeSync(handle, Buffer.alloc(3_000, 0xff), 0, 3_000, statSync(corrupt).size / 2);
  const utf16 = make("utf16", (db) => db.exec("PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (a)"));
  const wide = make("wide", (db) =>
    db.exec(`CREATE TABLE t (${Array.from({ length: 101 }, (_, i) => `c${i}`).join()})`),
  );
  const large = make("large", (db) => db.exec("CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(2000001))"));
  const reserved = make("reserved", (db) => db.exec("CREATE TABLE _cf_x (a)"));
  return [
    { name: "text", file: text, reason: "the file is not a SQLite database, or it is encrypted" },
    { name: "encrypted", file: encrypted, reason: "the file is not a SQLite database, or it is encrypted" },
    { name: "corrupt", file: corrupt, reason: "the file is corrupt" },
    { name: "utf16", file: utf16, reason: "its texts are UTF-16le; D1 has UTF-8 only" },
    { name: "wide", file: wide, reason: 'table "t" has 101 columns; D1 allows 100' },
    { name: "large", file: large, reason: 'table "t" has a row of 2000001 bytes; D1 allows 2000000' },
    { name: "reserved", file: reserved, reason: 'table "_cf_x" has a name that D1 keeps for itself' },
  ];
}

describe("one run over good files, files that D1 could not hold, and one that is in use", () => {
  const bad = badFiles();
  const out = join(folder.path, "out-bad");
  const busy = join(folder.path, "in-use", "busy.sqlite");
  let run: ReturnType<typeof up>;
  let before: string[] = [];
  let after: string[] = [];

  beforeAll(() => {
    mkdirSync(dirname(busy));
    const writer = new DatabaseSync(busy);
    writer.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    writer.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2)");
    before = digests(busy);
    const databases = [good, busy, ...bad.map(({ file }) => file)].flatMap((file) => ["--database", file]);
    run = up([...databases, "--json", "--out", out]);
    after = digests(busy);
    writer.exec("COMMIT");
    writer.close();
  });

  test("the bad ones fail by name with the reason, the others are backed up, and the exit code is 3", () => {
    expect(run.exit, run.err).toBe(3);
    const job = JSON.parse(run.out);
    expect(job).toMatchObject({ status: "failed", databases: 9, succeeded: 2, failed: 7 });
    for (const { name, reason } of bad) {
      const task = taskOf(run, name);
      expect(task.error, name).toMatchObject({ code: "source_unusable", message: expect.stringContaining(reason) });
      expect(run.err).toContain(`failed     ${name}: Cannot read database "${name}":`);
    }
    const stored = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(stored.map(({ name }) => name).filter((name) => !name.startsWith("busy"))).toEqual([
      "good.manifest.json",
      "good.sql.gz",
    ]);
  });

  test("the one in use is backed up with what is in its log, and not a byte of it is changed", () => {
    expect(taskOf(run, "busy")).toMatchObject({ state: "done", result: { tables: 1, rows: 1 } });
    expect(after).toEqual(before);
  });
});

/** Of a SQLite file and its log. */
function digests(file: string): string[] {
  return [file, `${file}-wal`].map((path) => createHash("sha256").update(readFileSync(path)).digest("hex"));
}

function taskOf(run: { out: string }, name: string) {
  return JSON.parse(run.out).tasks.find(({ database }: { database: string }) => database === name);
}

test("a second run on the same day says what the nightly did and makes a manual backup; --fresh forgets it", () => {
  const first = up(["--database", good]);
  expect(first.exit, first.err).toBe(0);
  expect(first.out).toMatch(/^good\tsucceeded\tsnapshot\t1\t3\t/m);
  expect(first.err).toMatch(/Job nightly-\d{4}-\d\d-\d\d completed in .*: 1 of 1 databases backed up; 3 rows, /);
  const second = up(["--database", good], first.state);
  expect(second.err).toMatch(/Today's nightly-\S+ has completed already; this is a manual job\./);
  expect(second.out).toMatch(/manual\/\d{4}-\d\d-\d\d\/manual-\S+\/good\.sql\.gz/);
  const third = up(["--database", good, "--fresh"], first.state);
  expect(third.out).toContain("daily/");
});

test("--wrangler backs up the local D1 databases of a wrangler project", () => {
  const project = join(folder.path, "my-app");
  mkdirSync(project);
  writeFileSync(
    join(project, "wrangler.jsonc"),
    `{ "name": "my-app", "compatibility_date": "2026-11-17", // a comment
       "d1_databases": [{ "binding": "DB", "database_name": "my-db", "database_id": "1234" },
                        { "binding": "NEW", "database_name": "unused", "database_id": "5678" }] }`,
  );
  const sql = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO notes VALUES (1, 'hello')";
  const made = spawnSync(
    join(PROJECT, "node_modules", ".bin", "wrangler"),
    ["d1", "execute", "my-db", "--local", "--command", sql],
    { cwd: project, encoding: "utf8" },
  );
  expect(made.status, made.stdout + made.stderr).toBe(0);
  const run = up(["--wrangler", project, "--json"]);
  expect(run.exit, run.err).toBe(3);
  const job = JSON.parse(run.out);
  expect(job.tasks).toMatchObject([
    { database: "my-db", state: "done", result: { tables: 1, rows: 1 } },
    { database: "unused", state: "failed", error: { message: expect.stringContaining("has no data yet") } },
  ]);
});

/** The command while it goes on running; `until` waits for something it says. */
function start(args: readonly string[]) {
  const child: ChildProcess = spawn(
    process.execPath,
    [join(PROJECT, "apps/cli/src/main.ts"), "up", "--port", "0", ...args],
    {
      cwd: folder.path,
    },
  );
  let text = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      text += String(chunk);
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<number | null>((exit) => child.on("exit", (code) => exit(code)));
  return {
    child,
    ended,
    until: async (pattern: RegExp): Promise<RegExpExecArray> =>
      await new Promise((found) => {
        const look = () => {
          const match = pattern.exec(text);
          if (match === null) return;
          listeners.delete(look);
          found(match);
        };
        listeners.add(look);
        look();
      }),
  };
}

test("patina up keeps serving the API until Ctrl-C, which ends it with 0", async () => {
  const running = start(["--state", freshState(), "--database", good]);
  const [, url = ""] = await running.until(/API +(http:\/\/127\.0\.0\.1:\d+\/)/);
  const [, token = ""] = await running.until(/Token +(\S+)/);
  await running.until(/Ctrl-C stops/);
  expect(await (await fetch(url)).json()).toMatchObject({ service: "patina" });
  expect((await fetch(`${url}status`)).status).toBe(401);
  const headers = { authorization: `Bearer ${token}` };
  expect(await (await fetch(`${url}status`, { headers })).json()).toMatchObject({
    databases: 1,
    last_completed: { kind: "nightly", status: "completed" },
  });
  running.child.kill("SIGINT");
  expect(await running.ended).toBe(0);
});

test("a run that was killed is finished by the next one: its lost messages are found at the start", async () => {
  const state = freshState();
  const running = start(["--state", state, "--database", good]);
  await running.until(/Ctrl-C stops/);
  running.child.kill("SIGKILL");
  await running.ended;
  // As if it had been killed while the backup was under way, its message in a queue that is gone.
  const catalog = catalogFile(state);
  const db = new DatabaseSync(catalog);
  db.exec(
    "UPDATE backup_tasks SET state = 'running', lease_expires_at = 9e15, sent_at = 9e12; DELETE FROM backup_results",
  );
  db.exec("UPDATE backup_jobs SET status = 'running', finished_at = NULL");
  db.close();
  const next = up(["--database", good, "--json"], state);
  expect(next.exit, next.err).toBe(0);
  expect(JSON.parse(next.out)).toMatchObject({
    id: expect.stringMatching(/^nightly-/),
    status: "completed",
    succeeded: 1,
  });
});

/** The catalog's file: the one D1 file of a state that has the table of jobs. */
function catalogFile(state: string): string {
  const home = join(state, "state", "v3", "d1", "miniflare-D1DatabaseObject");
  for (const name of readdirSync(home).filter((file) => file.endsWith(".sqlite"))) {
    const db = new DatabaseSync(join(home, name), { readOnly: true });
    const found = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'backup_jobs'").get();
    db.close();
    if (found !== undefined) return join(home, name);
  }
  throw new Error("There is no catalog");
}
