import { spawnSync } from "node:child_process";
import { mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TAR_BLOCK_BYTES, type TarEntry, tarHeader, tarHeaderLength, tarPaddingLength } from "./tar-header.ts";

const GIB = 1_073_741_824;
const folder = mkdtempSync(join(tmpdir(), "patina-tar-"));
const file = join(folder, "sparse.tar");

/** Sizes around the one at which the form of the header changes, each with a small file behind it. */
const ENTRIES: readonly TarEntry[] = [
  { path: "2026-11-20/empty.sql", size: 0, modified: 0 },
  { path: "2026-11-20/shop.sql", size: 513, modified: 1_795_143_600 },
  { path: "2026-11-20/nearly.sql", size: 8 * GIB - 1, modified: 1_795_143_600 },
  { path: "2026-11-20/exactly.sql", size: 8 * GIB, modified: 1_795_143_600 },
  { path: "2026-11-20/more.sql", size: 9 * GIB + 5, modified: 1_795_143_600 },
  { path: "2026-11-20/last.sql", size: 7, modified: 1_795_143_600 },
];

beforeAll(() => {
  // The contents are holes in the file: tar skips over them.
  const handle = openSync(file, "w");
  let at = 0;
  for (const entry of ENTRIES) {
    const header = tarHeader(entry);
    expect(header.length).toBe(tarHeaderLength(entry.size));
    writeSync(handle, header, 0, header.length, at);
    at += header.length + entry.size + tarPaddingLength(entry.size);
    expect(at % TAR_BLOCK_BYTES).toBe(0);
  }
  writeSync(handle, Buffer.alloc(2 * TAR_BLOCK_BYTES), 0, 2 * TAR_BLOCK_BYTES, at);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PYTHON = `
import sys, tarfile
for entry in tarfile.open(sys.argv[1]):
    print(entry.size, entry.name, entry.mtime, oct(entry.mode))
`;

const LISTED = ENTRIES.map(({ path, size }) => `${size} ${path}`);

/** Size and path of each file as a program lists them; null when it is not on this machine. */
function list(command: string, args: readonly string[], line: RegExp): string[] | null {
  const run = spawnSync(command, args, { encoding: "utf8", env: { ...process.env, TZ: "UTC", LC_ALL: "C" } });
  if (run.error !== undefined) {
    process.stderr.write(`\nSKIPPED: ${command} is not on this machine\n`);
    return null;
  }
  expect(run.stderr).toBe("");
  expect(run.status).toBe(0);
  return run.stdout
    .trim()
    .split("\n")
    .map((text) => text.replace(line, "$<size> $<path>"));
}

test("tarHeader() is read by GNU tar, of 8 GiB and more too", () => {
  const listed = list("tar", ["-tvf", file], /^\S+\s+\S+\s+(?<size>\d+) \S+ \S+ (?<path>.*)$/);
  expect(listed ?? LISTED).toEqual(LISTED);
});

test("tarHeader() is read by bsdtar, of 8 GiB and more too", () => {
  const listed = list("bsdtar", ["-tvf", file], /^\S+\s+\d+\s+\S+\s+\S+\s+(?<size>\d+) \w+ +\d+ +\S+ (?<path>.*)$/);
  expect(listed ?? LISTED).toEqual(LISTED);
});

test("tarHeader() is read by Python, of 8 GiB and more too", () => {
  const listed = list("python3", ["-c", PYTHON, file], /^(?<size>\d+) (?<path>\S+).*$/);
  expect(listed ?? LISTED).toEqual(LISTED);
});

test("tarHeader() states time and mode, and refuses a path that does not fit", () => {
  const header = Buffer.from(tarHeader({ path: "a", size: 1, modified: 1_795_143_600 })).toString("latin1");
  expect(header.slice(100, 107)).toBe("0000644");
  expect(Number.parseInt(header.slice(136, 147), 8)).toBe(1_795_143_600);
  expect(() => tarHeader({ path: "x".repeat(101), size: 1, modified: 0 })).toThrow("too long");
});
