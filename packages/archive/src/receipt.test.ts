import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeReceipt, encodeReceipt, parseReceiptKey, type Receipt, receiptKey } from "./receipt.ts";

const SHA = "a".repeat(64);
const AT = "2026-11-20T03:04:05.678Z";

const VERIFIED: Receipt = {
  patina: "verify-receipt",
  format: 1,
  id: "verify-0a1b-1",
  at: AT,
  backups: [
    { key: "daily/2026-11-20/shop.sql.gz", etag: "e1", bytes: 512, damage: null },
    { key: "daily/2026-11-20/blog.sql.gz", etag: "e2", bytes: 0, damage: "The object is missing" },
  ],
};

const DRILLED: Receipt = {
  patina: "drill-receipt",
  format: 1,
  id: "drill-0a1b",
  at: AT,
  database: "shop",
  date: "2026-11-20",
  job: "nightly-2026-11-20",
  backup: { key: "daily/2026-11-20/shop.sql.gz", etag: "e1" },
  cause: "first",
  verdict: "failed",
  checks: [
    { name: "digests", end: "failed", findings: ['The rows of table "users" are not those that were backed up'] },
  ],
  rows: 10,
  bytes: 1_000,
  restoreMs: 12,
  rowsWritten: 14,
  schemaDigest: SHA,
};

test.each([VERIFIED, DRILLED])("a receipt reads back as it was written", (receipt) => {
  expect(decodeReceipt(encodeReceipt(receipt))).toEqual(receipt);
});

test("fields that this version does not know are passed over", () => {
  const later = encodeReceipt(DRILLED).replace("{", '{"later": 1,');
  expect(decodeReceipt(later)).toEqual(DRILLED);
});

test.each([
  ["no JSON", "{", "it is no JSON"],
  ["another document", '{"patina":"manifest"}', "wrong at /patina"],
  ["a field of another type", encodeReceipt(DRILLED).replace('"rows": 10', '"rows": "10"'), "wrong at /rows"],
])("a receipt that is %s is refused by name", (_, text, reason) => {
  expect(() => decodeReceipt(text)).toThrow(`Cannot read receipt: ${reason}`);
});

test("a receipt's key names its date and id, and no other key is one", () => {
  const ids = fc.tuple(
    fc.constantFrom("verify", "drill"),
    fc.uuid(),
    fc.date({ noInvalidDate: true, min: new Date("2000-01-01"), max: new Date("2999-12-31") }),
  );
  fc.assert(
    fc.property(ids, ([kind, uuid, at]) => {
      const receipt = { id: `${kind}-${uuid}`, at: at.toISOString() };
      expect(parseReceiptKey(receiptKey(receipt))).toEqual({ date: receipt.at.slice(0, 10), id: receipt.id });
    }),
  );
  for (const key of [
    "receipts/2026-02-30/drill-1.json",
    "receipts/2026-11-20/prune-1.json",
    "daily/2026-11-20/x.json",
  ]) {
    expect(parseReceiptKey(key)).toBeNull();
  }
});
