import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compare } from "../compare/compare.ts";
import { type System, startSystem } from "../system/harness.ts";
import { type BadLine, startBadLine } from "./bad-line.ts";
import { patina, start, testFolder } from "./command.ts";
import { large, makeDatabase, SHOP } from "./databases.ts";

/** Every command that reads backups, over the API of a real Patina, which all Workers together are. */

const folder = testFolder();
const shop = makeDatabase(join(folder, "shop.sqlite"), SHOP);
let system: System;
let line: BadLine;
let env: Record<string, string>;

beforeAll(async () => {
  const big = makeDatabase(join(folder, "big.sqlite"), [
    ...large(8),
    "CREATE TABLE small(a)",
    "INSERT INTO small VALUES (1)",
  ]);
  system = await startSystem({ folder, files: [shop, big] });
  await night("2026-11-19");
  const d1 = await system.patina.miniflare.getD1Database("DB_SHOP", "patina-exporter");
  await d1.prepare("INSERT INTO customers VALUES (4, 'Edsger')").run();
  await night("2026-11-20");
  line = await startBadLine(system.patina.url);
  env = { PATINA_URL: line.url, PATINA_TOKEN: system.patina.token, TMPDIR: folder };
}, 120_000);

afterAll(async () => {
  await line.stop();
  await system.patina.stop();
});

async function night(date: string): Promise<void> {
  await system.patina.fire("nightly", Date.parse(`${date}T03:00:00Z`));
  await system.ended(`nightly-${date}`);
}

function run(args: readonly string[], change: Record<string, string> = {}) {
  return patina(args, { env: { ...env, ...change } });
}

let targets = 0;
function fresh(name = "shop.sqlite"): string {
  targets += 1;
  const home = join(folder, `target-${targets}`);
  mkdirSync(home);
  return join(home, name);
}

test("patina list, show, verify and drill read what a running Patina has", async () => {
  const listed = await run(["list", "--json"]);
  expect(listed.exit, listed.err).toBe(0);
  expect(JSON.parse(listed.out)).toMatchObject({
    source: line.url,
    backups: [
      { id: "big@2026-11-20", custody: { verified_at: expect.stringMatching(/^20/), drilled_at: null } },
      { id: "shop@2026-11-20", rows: 10 },
      { id: "big@2026-11-19" },
      { id: "shop@2026-11-19" },
    ],
    more: false,
  });
  const shown = await run(["show", "sh@2026-11-19", "--json"]);
  expect(JSON.parse(shown.out)).toMatchObject({ id: "shop@2026-11-19", manifest: { job: "nightly-2026-11-19" } });
  const verified = await run(["verify", "shop@2026-11-20", "big@latest", "--json"]);
  expect(JSON.parse(verified.out)).toMatchObject({ verified: 2, failed: 0 });
  const drilled = await run(["drill", "shop", "--json"]);
  expect(JSON.parse(drilled.out)).toMatchObject({ backup: "shop@2026-11-20", verdict: "passed" });
});

test("patina query and diff open backups of a running Patina", async () => {
  const asked = await run(["query", "shop", "SELECT count(*) AS n FROM customers"]);
  expect(asked).toMatchObject({ exit: 0, out: "n\n4\n" });
  const differing = await run(["diff", "shop@2026-11-19", "shop@2026-11-20"]);
  expect(differing.exit, differing.err).toBe(4);
  expect(differing.out).toContain("~ table customers: 1 added, 0 removed, 0 changed\n    + id=4: name='Edsger'");
});

test("patina restore over the API gives the database as it was, and one table by its own bytes", async () => {
  const to = fresh();
  const whole = await run(["restore", "shop@2026-11-19", "--to", to]);
  expect(whole.exit, whole.err).toBe(0);
  expect(compare(shop, to)).toEqual([]);
  line.requests.length = 0;
  const one = await run(["restore", "big", "--table", "small", "--to", fresh(), "--json"]);
  expect(one.exit, one.err).toBe(0);
  expect(JSON.parse(one.out)).toMatchObject({ verdict: "passed", tables: [{ name: "small", rows: 1 }] });
  expect(readBytes()).toBeLessThan(4_000_000);
});

/** Bytes that were asked for; a backup of `big` has twice as many and more. */
function readBytes(): number {
  const ranges = line.requests.flatMap((request) => [...request.matchAll(/bytes=(\d+)-(\d+)$/g)]);
  return ranges.reduce((sum, [, from, until]) => sum + Number(until) - Number(from) + 1, 0);
}

test("a backup that is read from end to end is asked for in a few large stretches, each a line in the audit log", async () => {
  line.requests.length = 0;
  const { exit, err } = await run(["verify", "big"]);
  expect(exit, err).toBe(0);
  expect(line.requests.filter((request) => request.includes("/download/")).length).toBeLessThanOrEqual(4);
});

test("a server that breaks off, is overloaded or goes away half-way is gone on with where it ended", async () => {
  line.requests.length = 0;
  line.mischief.push("break", "503", { cutAfter: 300_000 }, { cutAfter: 500_000 }, { cutAfter: 0 });
  const { exit, err } = await run(["verify", "big"]);
  expect(exit, err).toBe(0);
  expect(line.mischief).toEqual([]);
  const starts = line.requests.flatMap((request) => [...request.matchAll(/bytes=(\d+)-/g)]).map(([, at]) => Number(at));
  expect(starts.slice(0, 3)).toEqual([0, 0, 0]);
  expect(starts[3]).toBeGreaterThan(0);
  expect(starts).toEqual(starts.toSorted((one, other) => one - other));
});

test("patina download that loses its server keeps what it has; the next one goes on there, of the same backup only", async () => {
  const here = join(fresh(), "..");
  const away = await startBadLine(system.patina.url);
  away.mischief.push({ cutAfter: 1e12 }, { cutAfter: 3_000_000 }, ...Array.from({ length: 9 }, () => "break" as const));
  const lost = await patina(["download", "big@2026-11-20", "--api", away.url], { env, cwd: here });
  await away.stop();
  expect(lost.exit, lost.err).toBe(13);
  expect(lost.err).toMatch(/Cannot reach .*\. \S+\.partial stays: the same command goes on with it\.\nTry: /);
  line.requests.length = 0;
  const again = await patina(["download", "big@2026-11-20", "--json"], { env, cwd: here });
  expect(again.exit, again.err).toBe(0);
  const { file, resumed_from } = JSON.parse(again.out);
  expect(resumed_from).toBeGreaterThan(0);
  expect(line.requests.find((request) => request.includes("/download/"))).toContain(`bytes=${resumed_from}-`);
  const stored = await (await (await system.patina.bucket()).get("daily/2026-11-20/big.sql.gz"))?.arrayBuffer();
  expect(readFileSync(file).equals(Buffer.from(stored ?? []))).toBe(true);
});

test("a backup that is another one by now is not mixed with what was read before", async () => {
  const bucket = await system.patina.bucket();
  const key = "daily/2026-11-20/shop.manifest.json";
  const before = await (await bucket.get(key))?.text();
  const forged = JSON.parse(before ?? "{}");
  const sha256 = "0".repeat(64);
  line.change = (path, body) =>
    path.startsWith("/manifest/") ? JSON.stringify({ ...forged, object: { ...forged.object, sha256 } }) : body;
  const { exit, err } = await run(["verify", "shop@2026-11-20"]);
  line.change = null;
  expect({ exit, err }).toMatchObject({ exit: 11, err: expect.stringContaining("another backup has taken its place") });
});

test("a server that is gone for good half-way ends a restore with 13, and nothing is left", async () => {
  const to = fresh("big.sqlite");
  const away = await startBadLine(system.patina.url);
  const running = start(["restore", "big", "--to", to, "--api", away.url], { env });
  while (!away.requests.some((request) => request.includes("bytes="))) await new Promise((go) => setTimeout(go, 5));
  await away.stop();
  const { exit, err } = await running.ended;
  expect(exit, err).toBe(13);
  expect(err).toMatch(/Cannot reach http:.*\nTry: /);
  expect(readdirSync(join(to, ".."))).toEqual([]);
});

test("a stored object that was replaced by something else is named damaged, and the others are still listed", async () => {
  const bucket = await system.patina.bucket();
  await bucket.put("daily/2026-11-20/shop.sql.gz", "something else");
  const verified = await run(["verify", "shop@2026-11-20", "big@2026-11-20"]);
  expect(verified.exit, verified.err).toBe(4);
  expect(verified.out).toMatch(/shop@2026-11-20\tfailed\t.*not in the bucket as it was written/);
  expect(verified.out).toContain("big@2026-11-20\tpassed");
  const listed = await run(["list"]);
  expect(listed.exit, listed.err).toBe(0);
  expect(listed.out).toMatch(/shop@2026-11-20\t-\tmanifest unreadable/);
});

test("a date whose dailies are gone is found in its weekly archive", async () => {
  await system.patina.fire("weekly", Date.parse("2026-11-22T04:00:00Z"));
  await system.ended("weekly-2026-11-22");
  const bucket = await system.patina.bucket();
  await bucket.delete(["daily/2026-11-19/shop.sql.gz", "daily/2026-11-19/shop.manifest.json"]);
  await system.rows(
    "UPDATE backup_inventory SET deleted_at = 1 WHERE key LIKE 'daily/2026-11-19/shop.%' RETURNING key",
  );
  const to = fresh();
  const { exit, err, out } = await run(["restore", "shop@2026-11-19", "--to", to, "--json"]);
  expect(exit, err).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ backup: "shop@2026-11-19", verdict: "passed" });
  expect(compare(shop, to)).toEqual([]);
});

test.each([
  [
    "a wrong token",
    [],
    { PATINA_TOKEN: "hush-hush-hush-hush" },
    12,
    /the token was refused\.\nTry: Check PATINA_TOKEN/,
  ],
  ["nobody there", ["--api", "http://127.0.0.1:9"], {}, 13, /Cannot reach http:\/\/127\.0\.0\.1:9.*\nTry: /],
  ["an address that is none", ["--api", "nonsense"], {}, 2, /"nonsense" is no URL\.\nTry: /],
  ["an address without encryption", ["--api", "http://patina.example"], {}, 2, /would travel in the clear\.\nTry: /],
  ["two places", ["--api", "http://127.0.0.1:9", "--source", "."], {}, 2, /Cannot read from two places/],
] as const)("with %s the command says so and starts nothing", async (_, args, change, exit, sentence) => {
  const to = fresh();
  const ended = await run(["restore", "shop", "--to", to, ...args], change);
  expect(ended.err).toMatch(sentence);
  expect(ended.err).not.toContain("hush-hush");
  expect(ended).toMatchObject({ exit, out: "" });
  expect(existsSync(to)).toBe(false);
});

test("--source takes the address as well, and PATINA_SOURCE goes before PATINA_URL", async () => {
  const named = await run(["list", "--source", line.url, "--limit", "1", "--json"]);
  expect(JSON.parse(named.out)).toMatchObject({ source: line.url, more: true });
  const other = await run(["list"], { PATINA_SOURCE: join(folder, "target-1") });
  expect(other.err).toContain(`There are no backups in ${join(folder, "target-1")}`);
});
