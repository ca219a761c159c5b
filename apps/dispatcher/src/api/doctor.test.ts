import { env } from "cloudflare:test";
import { publishBindings } from "@patina/catalog/exporter-bindings";
import type { Preflight } from "@patina/dump/preflight";
import { beforeEach, expect, test } from "vitest";
import { READ_TOKEN, TestApi } from "./testing.ts";

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start();
});

const PREFLIGHT: Preflight = {
  mode: "snapshot",
  bytes: 4_096,
  tables: [{ name: "orders", rows: 3, isExact: true }],
  rows: 3,
  rowsRead: 6,
  rowsWritten: 6,
  storedBytes: 120,
  warnings: ["The text of a contentless index is not carried"],
  overLimits: [],
  refusal: { code: "redaction_key_missing", message: "A rule needs a key" },
};

test("GET /databases/:db/preflight tells what the exporter saw, and what to do about a rule that cannot be applied", async () => {
  api.preflights = { ...api.preflights, preflight: async () => ({ end: "looked", preflight: PREFLIGHT }) };
  expect(await api.json("/databases/shop/preflight")).toEqual({
    database: "shop",
    mode: "snapshot",
    bytes: 4_096,
    tables: [{ name: "orders", rows: 3, exact: true }],
    rows: 3,
    rows_read: 6,
    rows_written: 6,
    stored_bytes: 120,
    warnings: ["The text of a contentless index is not carried"],
    over_limits: [],
    refusal: {
      code: "redaction_key_missing",
      message: "A rule needs a key",
      next: expect.stringContaining("REDACTION_KEY"),
    },
  });
});

test("a preflight reads a database, so it is not for a token that may only look; what fails keeps its code", async () => {
  expect((await api.ask("/databases/shop/preflight", { token: READ_TOKEN })).status).toBe(403);
  api.preflights = {
    ...api.preflights,
    preflight: async () => ({ end: "refused", code: "source_missing", message: 'Cannot read database "shop"' }),
  };
  expect(await api.json("/databases/shop/preflight")).toMatchObject({ code: "source_missing", status: 502 });
});

test("the exporter is not asked about a database that is not registered, and its name is not repeated", async () => {
  api.preflights = {
    ...api.preflights,
    preflight: async () => {
      throw new TypeError("asked");
    },
  };
  const answer = await api.ask("/databases/s3cret/preflight");
  expect(answer.status).toBe(404);
  expect(await answer.text()).not.toContain("s3cret");
});

// biome-ignore lint/suspicious/noExplicitAny: the shape of an answer is what the tests check
async function endsOf(): Promise<Record<string, any>> {
  const { findings } = await api.json("/doctor", { token: READ_TOKEN });
  return Object.fromEntries(
    findings.map(({ subject, name, end }: Record<string, string>) => [`${subject} ${name}`, end]),
  );
}

test("GET /doctor names what is missing, and tells no secret", async () => {
  api.vault.head = async () => null;
  await publishBindings(api.catalog, { shard: 0, bindings: ["DB_AUTH"], publishedAt: api.now });
  const answer = await api.ask("/doctor");
  expect(await answer.clone().text()).not.toContain(READ_TOKEN);
  expect(await endsOf()).toMatchObject({
    "secret ADMIN_TOKEN": "good",
    "secret ALERT_KEY": "good",
    "secret REDACTION_KEY": "good",
    "variable PUBLIC_URL": "warning",
    "bucket BUCKET": "good",
    "queue patina-exports": "good",
    "queue patina-upkeep": "good",
    "schedule exporter": "good",
    "binding DB_SHOP": "bad",
    "channel alerts": "warning",
  });
});

test("a Worker or queue that does not answer is a finding, not a failure", async () => {
  api.preflights = { ...api.preflights, hasRedactionKey: () => Promise.reject(new Error("gone")) };
  api.exports.metrics = () => Promise.reject(new Error("gone"));
  api.vault.head = () => Promise.reject(new Error("gone"));
  await env.CATALOG.exec('update databases set redactions = \'[{"table":"a","column":"b","as":"digest"}]\'');
  expect(await endsOf()).toMatchObject({
    "secret REDACTION_KEY": "bad",
    "queue patina-exports": "bad",
    "bucket BUCKET": "bad",
    "schedule exporter": "bad",
  });
});
