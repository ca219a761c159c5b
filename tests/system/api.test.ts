import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDatabase, type System, startSystem, temporaryFolder } from "./harness.ts";

const ROWS = 300;
const folder = temporaryFolder();
let system: System;
let date: string;

beforeAll(async () => {
  const files = [makeDatabase(folder.path, { name: "shop", rows: ROWS })];
  system = await startSystem({ folder: folder.path, files });
  const { job } = await system.patina.begin(Date.now());
  ({ date } = await system.ended(job));
});

afterAll(async () => {
  await system.patina.stop();
  folder.remove();
});

async function bytesOf(answer: Response): Promise<Buffer> {
  return Buffer.from(await answer.arrayBuffer());
}

test("a backup comes through dispatcher and archiver as it is stored, and in ranges that fit together", async () => {
  const path = `/download/${date}/shop`;
  const { backups } = await system.ask("/list?database=shop");
  const whole = await system.patina.request(path);
  const bytes = await bytesOf(whole);
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(backups[0].stored_digest);
  expect(whole.headers.get("content-length")).toBe(String(bytes.length));
  expect(whole.headers.get("patina-job")).toBe(backups[0].job);
  const ranges = [`bytes=0-${bytes.length - 100}`, `bytes=${bytes.length - 99}-`];
  const parts = await Promise.all(
    ranges.map(async (range) => {
      const headers = { authorization: `Bearer ${system.patina.token}`, range };
      return await bytesOf(await fetch(new URL(path, system.patina.url), { headers }));
    }),
  );
  expect(Buffer.concat(parts).equals(bytes)).toBe(true);
});

test("the SQL inside restores into SQLite, with and without its transaction lines", async () => {
  const gz = await bytesOf(await system.patina.request(`/download/${date}/shop`));
  const plain = await bytesOf(await system.patina.request(`/download/${date}/shop?format=sql`));
  expect(plain.equals(gunzipSync(gz))).toBe(true);
  const d1 = await bytesOf(await system.patina.request(`/download/${date}/shop?format=sql&dialect=d1`));
  for (const sql of [plain, d1]) {
    const db = new DatabaseSync(":memory:");
    db.exec(sql.toString());
    expect(db.prepare("SELECT count(*) AS n FROM items").get()).toEqual({ n: ROWS });
    db.close();
  }
  expect(d1.toString()).not.toMatch(/^(BEGIN TRANSACTION|COMMIT);$/m);
});

test("a database that the exporter has no binding for cannot be added, and the exporter has said which it has", async () => {
  expect(await system.rows("select bindings from exporter_bindings")).toEqual([
    { bindings: JSON.stringify(["CATALOG", "DB_SHOP"]) },
  ]);
  const headers = { authorization: `Bearer ${system.patina.token}`, "content-type": "application/json" };
  const answer = await fetch(new URL("/databases", system.patina.url), {
    method: "POST",
    headers,
    body: '{"name":"moon"}',
  });
  expect(answer.status).toBe(422);
});

const hasTools = ["curl", "sqlite3", "sha256sum"].every((tool) => spawnSync("which", [tool]).status === 0);
if (!hasTools) process.stderr.write("\nSKIPPED: curl, sqlite3 or sha256sum is not on this machine\n");

test.runIf(hasTools)("the restore guide's commands, run as they stand, bring the database back", async () => {
  const guide = await (await system.patina.request("/restore-guide/shop")).text();
  const commands = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, lines = ""]) => lines);
  const local = commands.filter((lines) => !lines.includes("wrangler"));
  expect(local).toHaveLength(2);
  const cwd = join(folder.path, "restored");
  mkdirSync(cwd);
  for (const script of local) {
    const env = { ...process.env, ADMIN_TOKEN: system.patina.token };
    const run = spawnSync("bash", ["-euo", "pipefail", "-c", script], { cwd, encoding: "utf8", env });
    expect(run.status, run.stderr).toBe(0);
  }
  const db = new DatabaseSync(join(cwd, "shop-restored.sqlite"));
  const [checks = ""] = [...guide.matchAll(/```sql\n(SELECT count\(\*\) = [\s\S]*?)```/g)].map(([, lines]) => lines);
  const counts = checks.split("\n").filter((line) => line.startsWith("SELECT"));
  expect(counts).toHaveLength(1);
  for (const count of counts) expect(Object.values(db.prepare(count).get() ?? {})).toEqual([1]);
  db.close();
});

test("wrong tokens are answered 429 after ten of a minute, by the platform's own counter", async () => {
  const guess = async () => {
    const headers = { authorization: `Bearer ${"g".repeat(40)}` };
    return (await fetch(new URL("/status", system.patina.url), { headers })).status;
  };
  const statuses: number[] = [];
  for (let i = 0; i < 12; i += 1) statuses.push(await guess());
  expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
  expect((await system.patina.request("/status")).status).toBe(200);
});
