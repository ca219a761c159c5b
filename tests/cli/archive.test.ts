import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compare } from "../compare/compare.ts";
import { store, write } from "./bucket-folder.ts";
import { patina, testFolder } from "./command.ts";
import { large, makeDatabase, SHOP } from "./databases.ts";
import { type S3Server, startS3 } from "./s3-server.ts";
import { makeArchive } from "./weekly.ts";

const folder = testFolder();
const bucket = join(folder, "bucket");
const dailies = join(folder, "dailies");
const shop = makeDatabase(join(folder, "shop.sqlite"), SHOP);
const lone = join(folder, "downloaded.tar.gz");
const WEEK = "2026-W47";
let s3: S3Server;

beforeAll(async () => {
  const backups = [
    { date: "2026-11-16", database: "shop", sql: SHOP },
    { date: "2026-11-17", database: "shop", sql: SHOP },
    { date: "2026-11-17", database: "big", sql: large(4) },
  ];
  for (const { date, database, sql } of backups) {
    await store(bucket, { ref: { kind: "daily", date, database }, sql, snapshotBytes: 0 });
  }
  makeArchive(bucket, WEEK, backups);
  cpSync(join(bucket, "daily"), join(dailies, "daily"), { recursive: true });
  rmSync(join(bucket, "daily"), { recursive: true });
  write(lone, readFileSync(join(bucket, "weekly", `${WEEK}.tar.gz`)));
  s3 = await startS3(bucket);
});

afterAll(() => s3.stop());

test("the archive of this test is one that tar reads", () => {
  expect(execFileSync("tar", ["tzf", lone], { encoding: "utf8" }).split("\n")).toContain("2026-11-17/shop.sql");
});

test.each([
  ["a mirrored folder, through the index", (): [string, Record<string, string>] => [bucket, {}]],
  ["an S3 bucket, through the index", (): [string, Record<string, string>] => ["s3://backups", s3.env]],
  ["a lone archive file", (): [string, Record<string, string>] => [lone, {}]],
] as const)("backups whose dailies are gone are found, verified and restored out of %s", async (_, place) => {
  const [source, env] = place();
  const list = await patina(["list", "--source", source, "--json"], { env });
  expect(list.exit, list.err).toBe(0);
  const ids = JSON.parse(list.out).backups.map(({ id }: { id: string }) => id);
  expect(ids.sort()).toEqual(["big@2026-11-17", "shop@2026-11-16", "shop@2026-11-17"]);
  const verified = await patina(["verify", "--source", source], { env });
  expect(verified).toMatchObject({ exit: 0, err: expect.stringContaining("3 of 3 backups") });
  const to = join(folder, `restored-${source.length}.sqlite`);
  const restored = await patina(["restore", "shop@2026-11-16", "--source", source, "--to", to], { env });
  expect(restored.exit, restored.err).toBe(0);
  expect(compare(shop, to)).toEqual([]);
  const query = ["query", "big", "SELECT count(*) AS n FROM big", "--table", "big", "--source", source];
  expect((await patina(query, { env })).out).toBe("n\n4000\n");
});

test("a backup inside an archive is read by its byte range alone", async () => {
  s3.requests.length = 0;
  await patina(["restore", "shop@2026-11-16", "--source", "s3://backups", "--to", "-"], { env: s3.env });
  const ranges = s3.requests
    .map((request) => /tar\.gz bytes=(\d+)-(\d+)/.exec(request))
    .filter((found) => found !== null);
  const bytes = ranges.reduce((sum, [, from, until]) => sum + Number(until) - Number(from) + 1, 0);
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(10_000);
});

test("patina archive list shows what the archives hold and what is missing", async () => {
  const { out } = await patina(["archive", "list", "--source", bucket]);
  expect(out).toMatch(/^week\tbackups\tmissing\traw\tstored\tverified\n2026-W47\t3\t1\t/);
  const json = JSON.parse((await patina(["archive", "list", "--source", bucket, "--json"])).out);
  expect(json.archives).toMatchObject([{ week: WEEK, missing: [{ database: "shop", reason: "its backup failed" }] }]);
});

test.each([
  ["a week", WEEK],
  ["a file", lone],
])("patina archive extract of %s gives back the daily objects, byte for byte", async (what, archive) => {
  const to = join(folder, `extracted from ${what}`);
  const { exit, err } = await patina(["archive", "extract", archive, "--source", bucket, "--to", to]);
  expect(exit, err).toBe(0);
  expect(readdirSync(to, { recursive: true }).sort()).toEqual(readdirSync(dailies, { recursive: true }).sort());
  const dump = "daily/2026-11-17/big.sql.gz";
  expect(readFileSync(join(to, dump)).equals(readFileSync(join(dailies, dump)))).toBe(true);
  const again = await patina(["archive", "extract", archive, "--source", bucket, "--to", to]);
  expect(again).toMatchObject({ exit: 11, err: expect.stringContaining("is there already") });
});

test("patina archive extract takes one database of one date", async () => {
  const to = join(folder, "one");
  const args = [
    "archive",
    "extract",
    WEEK,
    "--source",
    bucket,
    "--to",
    to,
    "--database",
    "shop",
    "--date",
    "2026-11-17",
  ];
  expect((await patina(args)).exit).toBe(0);
  expect(readdirSync(join(to, "daily", "2026-11-17")).sort()).toEqual(["shop.manifest.json", "shop.sql.gz"]);
  const none = await patina([...args.slice(0, -1), "2026-11-18"]);
  expect(none).toMatchObject({ exit: 10, err: expect.stringContaining("holds no such backup") });
});

test.each([
  ["cut off", (archive: Buffer) => archive.subarray(0, archive.length / 2)],
  ["not an archive", () => Buffer.from("x".repeat(5_000))],
])("a lone archive that is %s is refused, and nothing of it is taken for whole", async (_, damage) => {
  const file = join(folder, "damaged.tar.gz");
  write(file, damage(readFileSync(lone)));
  const { exit, out, err } = await patina(["list", "--source", file]);
  expect(err).toContain("it is no weekly archive of Patina's, or cut off");
  expect({ exit, out }).toEqual({ exit: 4, out: "" });
});
