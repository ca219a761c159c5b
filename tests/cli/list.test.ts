import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { store, write } from "./bucket-folder.ts";
import { COMMAND, patina, testFolder } from "./command.ts";
import { SHOP } from "./databases.ts";
import { type S3Server, startS3 } from "./s3-server.ts";

const folder = testFolder();
const EARLY = "manual-20261120-010000-aaaaaa";
const LATE = "manual-20261120-150000-bbbbbb";
let s3: S3Server;

beforeAll(async () => {
  for (const date of ["2026-11-18", "2026-11-19", "2026-11-20"]) {
    await store(folder, { ref: { kind: "daily", date, database: "shop" }, sql: SHOP });
  }
  await store(folder, { ref: { kind: "daily", date: "2026-11-19", database: "blog" }, sql: ["CREATE TABLE t(a)"] });
  for (const [job, time] of [
    [EARLY, "01:00"],
    [LATE, "15:00"],
  ] as const) {
    const ref = { kind: "manual", date: "2026-11-20", job, database: "shop" } as const;
    await store(folder, { ref, sql: SHOP, startedAt: `2026-11-20T${time}:00.000Z` });
  }
  write(join(folder, "daily/2026-11-17/shop.manifest.json"), "{");
  write(join(folder, "daily/2026-11-16/shop.sql.gz"), "a dump without a manifest is no backup");
  s3 = await startS3(folder);
});

afterAll(() => s3.stop());

/** The two places that hold the same backups. */
const PLACES = [
  ["a folder", (): [string[], Record<string, string>] => [["--source", folder], {}]],
  ["an S3 bucket", (): [string[], Record<string, string>] => [["--source", "s3://backups"], s3.env]],
  ["PATINA_SOURCE", (): [string[], Record<string, string>] => [[], { PATINA_SOURCE: folder }]],
] as const;

test.each(PLACES)("patina list of %s has every backup, the newest date first, and nothing else", async (_, place) => {
  const [args, env] = place();
  const { exit, out, err } = await patina(["list", ...args], { env });
  expect(exit, err).toBe(0);
  const [head, ...lines] = out.trim().split("\n");
  expect(head).toBe("backup\tstarted\tconsistency\ttables\trows\traw\tstored");
  expect(lines.map((line) => line.split("\t")[0])).toEqual([
    "shop@2026-11-20",
    `shop@${LATE}`,
    `shop@${EARLY}`,
    "blog@2026-11-19",
    "shop@2026-11-19",
    "shop@2026-11-18",
    "shop@2026-11-17",
  ]);
  expect(lines.at(-1)).toContain("manifest unreadable");
  expect(lines[0]).toMatch(/^shop@2026-11-20\t2026-11-20T03:00:00.000Z\tsnapshot\t3\t9\t\d+\t\d+$/);
});

test.each(PLACES)("patina list of one database in %s, since a date, up to a limit", async (_, place) => {
  const [args, env] = place();
  const some = await patina(["list", "bl", ...args, "--json"], { env });
  expect(JSON.parse(some.out)).toMatchObject({ backups: [{ id: "blog@2026-11-19", rows: 0 }], more: false });
  const since = await patina(["list", "shop", "--since", "2026-11-19", "--limit", "2", ...args, "--json"], { env });
  expect(JSON.parse(since.out)).toMatchObject({
    backups: [{ id: "shop@2026-11-20" }, { id: `shop@${LATE}` }],
    more: true,
  });
  expect(since.err).toContain("There are more: --limit 20 looks further back.");
});

test("patina list of a database that is not there says so", async () => {
  const { exit, out, err } = await patina(["list", "cart", "--source", folder]);
  expect({ exit, out }).toEqual({ exit: 10, out: "" });
  expect(err).toBe('Cannot find database "cart": none has that name.\nTry: One of blog, shop.\n');
});

test.each([
  ["latest by the time it was begun, not by its name", "shop", `shop@${LATE}`],
  ["latest said aloud", "shop@latest", `shop@${LATE}`],
  ["a date: the nightly", "shop@2026-11-20", "shop@2026-11-20"],
  ["the beginning of a date", "blog@2026-11", "blog@2026-11-19"],
  ["the beginning of a job's id", "shop@manual-20261120-01", `shop@${EARLY}`],
  ["an object's key", `manual/2026-11-20/${EARLY}/shop.sql.gz`, `shop@${EARLY}`],
  ["the beginning of a name", "bl", "blog@2026-11-19"],
])("patina show understands %s", async (_, argument, id) => {
  for (const [, place] of PLACES) {
    const [args, env] = place();
    const { exit, out, err } = await patina(["show", argument, ...args, "--json"], { env });
    expect(exit, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id, manifest: { patina: "manifest" } });
  }
});

test("patina show names what was replaced or left out on purpose", async () => {
  const home = join(folder, "redacted");
  const manifest = await store(home, { ref: { kind: "daily", date: "2026-11-20", database: "shop" }, sql: SHOP });
  const redactions = [{ table: "customers", column: "name", as: "digest" }];
  const rules = { redactions, excludedTables: ["sessions"], keyId: "a1" };
  write(join(home, "daily/2026-11-20/shop.manifest.json"), JSON.stringify({ ...manifest, rules }));
  const { out } = await patina(["show", "shop", "--source", home]);
  expect(out).toContain("redacted     customers.name: a keyed digest instead\nleft out     table sessions\n");
});

test.each([
  ["a date without a backup", "shop@2026-01-01", 10, /has none\.\nTry: patina list shop$/],
  ["a date that there is not", "shop@2026-02-30", 2, /"shop@2026-02-30" is: there is no such date\.\nTry: /],
  ["a file that is not there", "gone.sql.gz", 10, /^Cannot find a file gone\.sql\.gz\.$/],
  ["a place that is no file", ".", 2, /Cannot tell which backup "\." is\.\nTry: A backup that is a file/],
  ["a database that is not there", "cart", 10, /has none\.\nTry: One of the databases there: blog, shop\.$/],
  ["the beginning of several", "shop@manual", 2, /2 begin so\.\nTry: shop@manual-/],
  ["latest of nothing in particular", "latest", 2, /Cannot tell which database is meant\.\nTry: /],
  ["nonsense", "shop@a@b", 2, /Cannot tell which backup "shop@a@b" is\.\nTry: /],
  ["a manifest that cannot be read", "shop@2026-11-17", 4, /Cannot read manifest: it is no JSON\.\nTry: /],
])("patina show of %s says so", async (_, argument, exit, sentence) => {
  const ended = await patina(["show", argument, "--source", folder]);
  expect(ended.err.trim()).toMatch(sentence);
  expect(ended).toMatchObject({ exit, out: "" });
  const json = await patina(["show", argument, "--source", folder, "--json"]);
  expect(JSON.parse(json.out)).toMatchObject({ error: { exit } });
});

test("a request that fails on its way is sent again", async () => {
  for (const mischief of ["break", "503", "cut"] as const) {
    s3.mischief.push(mischief, mischief);
    const { exit, err } = await patina(["list", "--source", "s3://backups"], { env: s3.env });
    expect(exit, err).toBe(0);
  }
});

test("an endpoint that is gone, refuses the key, or has no such bucket gives an exit code of its own", async () => {
  s3.mischief.push(...Array.from({ length: 4 }, () => "cut" as const));
  const gone = await patina(["list", "--source", "s3://backups"], { env: s3.env });
  expect(gone).toMatchObject({ exit: 13, out: "", err: expect.stringMatching(/^Cannot reach http:.*\nTry: /) });
  const env = { ...s3.env, AWS_ACCESS_KEY_ID: "AKIAWRONG", AWS_SECRET_ACCESS_KEY: "hush-hush" };
  const refused = await patina(["list", "--source", "s3://backups"], { env });
  expect(refused).toMatchObject({ exit: 12, err: expect.stringContaining("refused the access key") });
  expect(refused.err).not.toContain("hush-hush");
  expect(await patina(["list", "--source", "s3://nothing"], { env: s3.env })).toMatchObject({ exit: 10 });
  const unset = await patina(["list", "--source", "s3://backups"]);
  expect(unset).toMatchObject({ exit: 2, err: expect.stringContaining("AWS_ENDPOINT_URL") });
});

test("one database of one date is found in a bucket without listing the others", async () => {
  s3.requests.length = 0;
  await patina(["show", "shop@2026-11-18", "--source", "s3://backups"], { env: s3.env });
  expect(s3.requests.filter((request) => request.includes("prefix=daily") && !request.includes("delimiter="))).toEqual(
    [],
  );
});

test("on a terminal there is a table with sizes for people, and NO_COLOR is honoured", () => {
  const run = (env: Record<string, string>) =>
    spawnSync("script", ["-qec", `${process.execPath} ${COMMAND} list blog --source ${folder}`, "/dev/null"], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], TERM: "xterm", ...env },
    }).stdout;
  const coloured = run({});
  expect(coloured).toContain("\u001B[1mbackup\u001B[22m");
  expect(coloured).toMatch(/blog@2026-11-19 +2026-11-19 03:00 UTC +snapshot +1 +0 +\d+ B +\d+ B/);
  expect(run({ NO_COLOR: "1" })).not.toContain("\u001B[1m");
});

test("whoever stops reading the answer early gets no complaint", () => {
  const run = spawnSync("sh", ["-c", `${process.execPath} ${COMMAND} list --source ${folder} | head -1`], {
    encoding: "utf8",
  });
  expect(run).toMatchObject({ status: 0, stderr: "", stdout: expect.stringMatching(/^backup/) });
});

test.each([
  ["a command", ["lst"], "Did you mean list?"],
  ["an option", ["list", "--sorce", "x"], "Did you mean --source?"],
  ["an option that is wanted", ["restore", "shop", "--too", "x"], "Did you mean --to?"],
  ["an option that is not there", ["restore", "shop"], "required option '--to <target>' not specified"],
  ["a date", ["list", "--since", "yesterday"], "A date is written 2026-11-20."],
  ["a limit", ["list", "--limit", "0"], "A limit is a number from 1"],
  ["a source", ["list", "--source", "/not/there"], 'Cannot read backups from "/not/there"'],
  ["nothing to read from", ["list"], "Cannot tell where the backups are"],
])("%s that is wrong is refused with 2 and a hint", async (_, args, sentence) => {
  const { exit, out, err } = await patina(args);
  expect(err).toContain(sentence);
  expect({ exit, out }).toEqual({ exit: 2, out: "" });
  const json = await patina([...args, "--json"]);
  if (args[0] === "list") expect(JSON.parse(json.out)).toMatchObject({ error: { exit: 2 } });
});
