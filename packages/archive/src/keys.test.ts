import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ArchiveRef,
  archiveKey,
  type BackupRef,
  checkpointKey,
  dumpKey,
  manifestKey,
  parseArchiveKey,
  parseCheckpointKey,
  parseKey,
  parseSumsKey,
  sumsKey,
} from "./keys.ts";

const name = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,20}$/);
const date = fc.constantFrom("2026-11-20", "2028-02-29", "2026-12-31");
const ref: fc.Arbitrary<BackupRef> = fc.oneof(
  fc.record({ kind: fc.constant("daily" as const), date, database: name }),
  fc.record({
    kind: fc.constant("manual" as const),
    date,
    job: fc.constant("manual-20261120-154501-9f3a1c"),
    database: name,
  }),
);

test("parseKey() is the inverse of dumpKey() and manifestKey()", () => {
  fc.assert(
    fc.property(ref, (wanted) => {
      expect(parseKey(dumpKey(wanted))).toEqual({ is: "dump", ref: wanted });
      expect(parseKey(manifestKey(wanted))).toEqual({ is: "manifest", ref: wanted });
    }),
  );
});

test("dumpKey() is where the documents say", () => {
  expect(dumpKey({ kind: "daily", date: "2026-11-20", database: "shop" })).toBe("daily/2026-11-20/shop.sql.gz");
  expect(
    manifestKey({ kind: "manual", date: "2026-11-20", job: "manual-20261120-154501-9f3a1c", database: "shop" }),
  ).toBe("manual/2026-11-20/manual-20261120-154501-9f3a1c/shop.manifest.json");
});

test("parseKey() knows no key that Patina does not write", () => {
  for (const key of [
    "",
    "daily/2026-11-20/shop.sql",
    "daily/2026-02-30/shop.sql.gz",
    "daily/2026-11-20/../shop.sql.gz",
    "daily/2026-11-20/a/shop.sql.gz",
    "manual/2026-11-20/shop.sql.gz",
    "manual/2026-11-20/job/shop.sql.gz",
    "weekly/2026-11-20/shop.sql.gz",
    "daily/2026-11-20/.sql.gz",
  ]) {
    expect(parseKey(key), key).toBeNull();
  }
});

const week = fc.constantFrom("2026-W47", "2026-W53", "2027-W01");
const archiveRef: fc.Arbitrary<ArchiveRef> = fc.oneof(
  fc.record({ is: fc.constantFrom("archive" as const, "manifest" as const), week }),
  fc.record({ is: fc.constant("page" as const), week, number: fc.nat(20_000) }),
);

test("parseArchiveKey() is the inverse of archiveKey(), and neither reads the other's keys", () => {
  fc.assert(
    fc.property(archiveRef, ref, (wanted, backup) => {
      expect(parseArchiveKey(archiveKey(wanted))).toEqual(wanted);
      expect(parseKey(archiveKey(wanted))).toBeNull();
      expect(parseArchiveKey(dumpKey(backup))).toBeNull();
    }),
  );
  for (const key of ["weekly/2027-W53.tar.gz", "weekly/2026-W47.index-00001.json", "weekly/2026-W47.tar.gz.json"]) {
    expect(parseArchiveKey(key), key).toBeNull();
  }
  expect(archiveKey({ is: "page", week: "2026-W47", number: 3 })).toBe("weekly/2026-W47.index-0003.json");
});

test("sumsKey() is no backup's key", () => {
  expect(sumsKey("2026-11-20")).toBe("daily/2026-11-20/SHA256SUMS");
  expect(parseKey(sumsKey("2026-11-20"))).toBeNull();
});

test("the keys of a date's sums and of a checkpoint are read back, and no others", () => {
  expect(parseSumsKey(sumsKey("2026-11-20"))).toBe("2026-11-20");
  const task = { job: "nightly-2026-11-20", database: "shop" };
  expect(parseCheckpointKey(checkpointKey(task))).toEqual(task);
  for (const key of ["daily/2026-02-30/SHA256SUMS", "daily/2026-11-20/a/SHA256SUMS", "SHA256SUMS"]) {
    expect(parseSumsKey(key), key).toBeNull();
  }
  for (const key of ["scratch/shop.checkpoint", "scratch/job/shop.checkpoint", "scratch/nightly-2026-11-20/shop"]) {
    expect(parseCheckpointKey(key), key).toBeNull();
  }
});
