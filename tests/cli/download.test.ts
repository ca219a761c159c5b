import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { store, write } from "./bucket-folder.ts";
import { patina, start, testFolder } from "./command.ts";
import { large, SHOP } from "./databases.ts";
import { type S3Server, startS3 } from "./s3-server.ts";

const folder = testFolder();
const bucket = join(folder, "bucket");
const DAY = { kind: "daily", date: "2026-11-20" } as const;
const MANUAL = "manual-20261120-150000-bbbbbb";
let s3: S3Server;

beforeAll(async () => {
  await store(bucket, { ref: { ...DAY, database: "shop" }, sql: SHOP });
  await store(bucket, { ref: { kind: "manual", date: "2026-11-20", job: MANUAL, database: "shop" }, sql: SHOP });
  await store(bucket, { ref: { ...DAY, database: "big" }, sql: large(6), snapshotBytes: 0 });
  s3 = await startS3(bucket);
});

afterAll(() => s3.stop());

let homes = 0;
function home(): string {
  homes += 1;
  const path = join(folder, `home-${homes}`);
  mkdirSync(path);
  return path;
}

function download(args: readonly string[], cwd: string) {
  return patina(["download", ...args, "--source", bucket], { cwd });
}

const stored = (key: string) => readFileSync(join(bucket, key));

test("patina download puts the dump and its manifest into this folder, byte for byte, and names the dump", async () => {
  const here = home();
  const { exit, out, err } = await download(["shop@2026-11-20"], here);
  expect(exit, err).toBe(0);
  expect(out).toBe(`${join(here, "shop-2026-11-20.sql.gz")}\n`);
  expect(err).toMatch(/Downloaded shop@2026-11-20: .*B\. Its digests are those of its manifest\.\n$/);
  expect(readdirSync(here).sort()).toEqual(["shop-2026-11-20.manifest.json", "shop-2026-11-20.sql.gz"]);
  expect(readFileSync(out.trim()).equals(stored("daily/2026-11-20/shop.sql.gz"))).toBe(true);
  expect((await patina(["verify", out.trim()])).out).toContain("\tpassed\t");
});

test("patina download into a folder makes a mirror of the bucket, which is a source", async () => {
  const here = home();
  for (const backup of ["shop@2026-11-20", `shop@${MANUAL}`]) {
    const { exit, err } = await download([backup, "--to", here], here);
    expect(exit, err).toBe(0);
  }
  const listed = await patina(["list", "--source", here, "--json"]);
  expect(JSON.parse(listed.out)).toMatchObject({ backups: [{ id: "shop@2026-11-20" }, { id: `shop@${MANUAL}` }] });
});

test("patina download --sql writes the plain SQL, and nothing else stays", async () => {
  const here = home();
  const { exit, out, err } = await download(["shop", "--date", "2026-11-20", "--sql", "--json"], here);
  expect(exit, err).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ file: join(here, "shop-2026-11-20.sql"), proven: true, resumed_from: 0 });
  expect(readdirSync(here)).toEqual(["shop-2026-11-20.sql"]);
  const sql = readFileSync(join(here, "shop-2026-11-20.sql"));
  expect(sql.equals(gunzipSync(stored("daily/2026-11-20/shop.sql.gz")))).toBe(true);
});

test("patina download never writes over a file", async () => {
  const here = home();
  for (const [args, name] of [
    [["shop@2026-11-20"], "shop-2026-11-20.sql.gz"],
    [["big@2026-11-20"], "big-2026-11-20.manifest.json"],
    [["shop@2026-11-20", "--sql"], "shop-2026-11-20.sql"],
  ] as const) {
    writeFileSync(join(here, name), "precious");
    const { exit, out, err } = await download(args, here);
    expect(err).toMatch(/it is there already\.\nTry: /);
    expect({ exit, out }).toEqual({ exit: 11, out: "" });
    expect(readFileSync(join(here, name), "utf8")).toBe("precious");
  }
  expect(readdirSync(here)).toHaveLength(3);
});

test("patina download that is interrupted keeps what it has, says so, and goes on with it", async () => {
  const here = home();
  s3.mischief.push(...Array.from({ length: 3 }, () => "cut" as const));
  const args = ["download", "big", "--source", "s3://backups"];
  const running = start(args, { cwd: here, env: s3.env });
  while (partialIn(here) === 0) await new Promise((go) => setTimeout(go, 1));
  running.child.kill("SIGINT");
  const { exit, err } = await running.ended;
  expect(exit, err).toBe(130);
  expect(err).toMatch(/big-2026-11-20\.sql\.gz\.[0-9a-f]{12}\.partial stays: the same command goes on with it\./);
  const kept = partialIn(here);
  s3.mischief.length = 0;
  s3.requests.length = 0;
  const again = await patina([...args, "--json"], { cwd: here, env: s3.env });
  expect(again.exit, again.err).toBe(0);
  expect(JSON.parse(again.out)).toMatchObject({ resumed_from: kept, proven: true });
  expect(s3.requests.filter((request) => request.includes("bytes=0-"))).toEqual([]);
  expect(readdirSync(here).sort()).toEqual(["big-2026-11-20.manifest.json", "big-2026-11-20.sql.gz"]);
  expect(readFileSync(join(here, "big-2026-11-20.sql.gz")).equals(stored("daily/2026-11-20/big.sql.gz"))).toBe(true);
});

/** Bytes that the partial file in a folder has. */
function partialIn(folder: string): number {
  const [name] = readdirSync(folder).filter((file) => file.endsWith(".partial"));
  return name === undefined ? 0 : statSync(join(folder, name)).size;
}

test.each([
  ["shorter", 20],
  ["longer", 1],
])(
  "what an earlier try left is not trusted: when it is %s, and not what it should be, all is fetched again",
  async (how, by) => {
    const here = home();
    const { object } = JSON.parse(stored("daily/2026-11-20/shop.manifest.json").toString());
    const partial = join(here, `shop-2026-11-20.sql.gz.${object.sha256.slice(0, 12)}.partial`);
    writeFileSync(partial, Buffer.alloc(how === "longer" ? object.bytes + by : by, "x"));
    const { exit, out, err } = await download(["shop@2026-11-20", "--json"], here);
    expect(exit, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ resumed_from: 0, proven: true });
    const file = join(here, "shop-2026-11-20.sql.gz");
    expect(readFileSync(file).equals(stored("daily/2026-11-20/shop.sql.gz"))).toBe(true);
    expect(existsSync(partial)).toBe(false);
  },
);

test("a stored dump that is not what its manifest says is not kept, and the exit code is 4", async () => {
  const damaged = join(folder, "damaged");
  const { object } = await store(damaged, { ref: { ...DAY, database: "shop" }, sql: SHOP });
  const file = join(damaged, "daily/2026-11-20/shop.sql.gz");
  const bytes = readFileSync(file);
  bytes[object.bytes - 60] = (bytes[object.bytes - 60] ?? 0) ^ 1;
  write(file, bytes);
  const here = home();
  const { exit, out, err } = await patina(["download", "shop", "--source", damaged], { cwd: here });
  expect(err).toMatch(
    /Cannot download shop@2026-11-20: what arrived is not what its manifest says\. Cannot read [^\n]+\.\nTry: /,
  );
  expect({ exit, out }).toEqual({ exit: 4, out: "" });
  expect(readdirSync(here)).toEqual([]);
});

test.each([
  ["a name that is no dump's", ["shop", "--sql", "--to", "shop.txt"], 2, /Name a \.sql or a folder/],
  ["a dump without a manifest", [join(bucket, "../lone/x.sql.gz")], 10, /it has no manifest to prove it by/],
] as const)("patina download of %s says so", async (what, args, exit, sentence) => {
  if (what.startsWith("a dump")) write(join(folder, "lone/x.sql.gz"), stored("daily/2026-11-20/shop.sql.gz"));
  const ended = await download(args, home());
  expect(ended.err).toMatch(sentence);
  expect(ended).toMatchObject({ exit, out: "" });
});
