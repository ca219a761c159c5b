import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { Gunzip } from "fflate";
import { afterAll, expect, test } from "vitest";
import {
  ARCHIVE_END_BYTES,
  type ArchiveFile,
  archiveEnd,
  contentOffset,
  fileEnd,
  type Piece,
  partBytesFor,
  piecesOf,
} from "./archive-layout.ts";
import { sumsLineLength, sumsText } from "./sums.ts";

const folder = mkdtempSync(join(tmpdir(), "patina-archive-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface TestFile extends ArchiveFile {
  readonly content: Buffer;
  readonly gzip: Buffer;
}

function fileOf(path: string, content: Buffer): TestFile {
  const gzip = gzipSync(content);
  return { path, size: content.length, modified: 1_795_143_600, stored: gzip.length, content, gzip };
}

function bytesOf(piece: Piece<TestFile>): Uint8Array {
  return piece.is === "frame" ? piece.bytes : piece.file.gzip;
}

function assemble(files: readonly TestFile[]): Buffer {
  const pieces = [...piecesOf(files, 0)];
  const end = pieces.at(-1)?.end ?? 0;
  return Buffer.concat([...pieces, archiveEnd(end)].map(bytesOf));
}

const FILES = [
  fileOf("2026-11-16/shop.sql", Buffer.from("INSERT INTO t VALUES(1);\n".repeat(9_000))),
  fileOf("2026-11-16/empty.sql", Buffer.alloc(0)),
  fileOf("2026-11-16/block.sql", Buffer.alloc(512, "x")),
  fileOf("2026-11-17/blobs.sql", Buffer.from(Array.from({ length: 70_001 }, (_, i) => (i * i) % 256))),
];
FILES.push(
  fileOf(
    "2026-11-17/SHA256SUMS",
    Buffer.from(sumsText([{ path: "blobs.sql", sha256: sha256(FILES[3]?.content ?? Buffer.alloc(0)) }])),
  ),
);

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

test("the pieces of an archive follow each other without a gap, and are where contentOffset() and fileEnd() say", () => {
  const size = fc.oneof(fc.nat(2_000), fc.constantFrom(0, 511, 512, 513, 8 ** 11 - 1, 8 ** 11, 20_000_000_000));
  const file = fc.record({ path: fc.constant("a"), size, modified: fc.constant(0), stored: fc.nat(1_000_000) });
  fc.assert(
    fc.property(fc.array(file, { maxLength: 20 }), fc.nat(1e12), (files, start) => {
      let at = start;
      const contents: number[] = [];
      for (const piece of piecesOf(files, start)) {
        expect(piece.start).toBe(at);
        if (piece.is === "frame") expect(piece.bytes.length).toBe(piece.end - piece.start);
        else contents.push(piece.start);
        at = piece.end;
      }
      let from = start;
      for (const [i, one] of files.entries()) {
        expect(contents[i]).toBe(contentOffset(from, one));
        from = fileEnd(from, one);
      }
      expect(at).toBe(from);
      expect(archiveEnd(at).end).toBe(at + ARCHIVE_END_BYTES);
    }),
  );
});

test("every file of an archive can be decompressed from its offset alone", () => {
  const archive = assemble(FILES);
  let at = 0;
  for (const file of FILES) {
    const offset = contentOffset(at, file);
    expect(gunzipSync(archive.subarray(offset, offset + file.stored)).equals(file.content), file.path).toBe(true);
    at = fileEnd(at, file);
  }
});

const READERS: readonly (readonly [string, (archive: string, into: string) => readonly [string, string[]]])[] = [
  ["GNU tar", (archive, into) => ["tar", ["xzf", archive, "-C", into]]],
  ["bsdtar", (archive, into) => ["bsdtar", ["-xzf", archive, "-C", into]]],
  [
    "Python",
    (archive, into) => [
      "python3",
      ["-c", "import sys,tarfile;tarfile.open(sys.argv[1]).extractall(sys.argv[2])", archive, into],
    ],
  ],
];

test.each(READERS)("%s reads an archive, and sha256sum -c proves a day of it", (name, command) => {
  const archive = join(folder, "week.tar.gz");
  writeFileSync(archive, assemble(FILES));
  const into = join(folder, name);
  mkdirSync(into);
  const [program, args] = command(archive, into);
  const run = spawnSync(program, args, { encoding: "utf8" });
  if (run.error !== undefined) {
    process.stderr.write(`\nSKIPPED: ${program} is not on this machine\n`);
    return;
  }
  expect(run.stderr.replaceAll(/^.*DeprecationWarning.*$/gm, "").trim()).toBe("");
  for (const { path, content } of FILES) {
    expect(existsSync(join(into, path)), path).toBe(true);
    expect(readFileSync(join(into, path)).equals(content), path).toBe(true);
  }
  const check = spawnSync("sha256sum", ["-c", "SHA256SUMS"], { cwd: join(into, "2026-11-17"), encoding: "utf8" });
  expect(check.stdout).toBe("blobs.sql: OK\n");
});

test("Node's zlib and fflate read an archive as one gzip file", () => {
  const archive = assemble(FILES);
  const tar = gunzipSync(archive);
  expect(tar.length % 512).toBe(0);
  const chunks: Uint8Array[] = [];
  new Gunzip((chunk) => chunks.push(chunk)).push(archive, true);
  expect(Buffer.concat(chunks).equals(tar)).toBe(true);
});

test("partBytesFor() stays within what R2 takes", () => {
  for (const bytes of [0, 1, 50e9, 72e9, 100e9, 4.9e12]) {
    const part = partBytesFor(bytes);
    expect(part % 1_048_576).toBe(0);
    expect(part).toBeGreaterThanOrEqual(5 * 1_048_576);
    expect(Math.ceil(bytes / part)).toBeLessThanOrEqual(10_000);
  }
});

test("sumsLineLength() is the length of a line", () => {
  const sums = [
    { path: "shop.sql", sha256: "0".repeat(64) },
    { path: "a.manifest.json", sha256: "f".repeat(64) },
  ];
  expect(sumsText(sums).length).toBe(sums.reduce((total, { path }) => total + sumsLineLength(path), 0));
});
