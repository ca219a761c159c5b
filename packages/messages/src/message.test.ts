import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decode, encode, isLiveQueue, type LiveQueue, sizeOf } from "./message.ts";
import { DEAD_QUEUE_OF, QUEUES } from "./queues.ts";

const EXAMPLES = new URL("./examples/", import.meta.url);
const QUEUE_OF_KIND: Record<string, LiveQueue> = {
  "export-requested": QUEUES.exports,
  "export-finished": QUEUES.results,
  "export-abandoned": QUEUES.results,
  "job-check": QUEUES.results,
  "alert-due": QUEUES.alerts,
  "archive-finished": QUEUES.results,
  "archive-week": QUEUES.upkeep,
  prune: QUEUES.upkeep,
  verify: QUEUES.upkeep,
  drill: QUEUES.upkeep,
  "rebuild-catalog": QUEUES.upkeep,
};

test("decode() still reads every message of every version ever sent", () => {
  const kinds = new Set<string>();
  for (const version of readdirSync(EXAMPLES)) {
    for (const file of readdirSync(new URL(`${version}/`, EXAMPLES))) {
      const body = JSON.parse(readFileSync(new URL(`${version}/${file}`, EXAMPLES), "utf8"));
      const queue = QUEUE_OF_KIND[body.kind];
      if (queue === undefined) throw new Error(`Cannot tell the queue of ${file}`);
      expect(decode(queue, body), file).toMatchObject(body);
      kinds.add(body.kind);
    }
  }
  expect([...kinds].sort()).toEqual(Object.keys(QUEUE_OF_KIND).sort());
});

test("decode() ignores fields it does not know, so that adding one keeps the version", () => {
  const body = { kind: "job-check", version: 1, job: "nightly-2026-11-20", added: "later" };
  expect(decode(QUEUES.results, body)).toEqual({ kind: "job-check", version: 1, job: "nightly-2026-11-20" });
});

test("decode() names the place of a fault and never the value", () => {
  const body = {
    kind: "export-requested",
    version: 1,
    job: "nightly-2026-11-20",
    database: "S3CRET/..",
    generation: 0,
  };
  let message = "";
  try {
    decode(QUEUES.exports, body);
  } catch (error) {
    message = String(error);
  }
  expect(message).toContain("/database, /generation");
  expect(message).not.toContain("S3CRET");
});

test("decode() refuses anything that is no message, without another error than its own", () => {
  fc.assert(
    fc.property(fc.anything(), fc.constantFrom(...Object.values(QUEUES).filter(isLiveQueue)), (body, queue) => {
      expect(() => decode(queue, body)).toThrow(/^Cannot decode message on "patina-/);
    }),
  );
});

test("decode() refuses a version from the future", () => {
  expect(() => decode(QUEUES.results, { kind: "job-check", version: 2, job: "nightly-2026-11-20" })).toThrow(
    "/version",
  );
});

test("encode() refuses a message that no queue would take", () => {
  const message = {
    kind: "export-finished",
    version: 1,
    job: "nightly-2026-11-20",
    database: "a",
    generation: 1,
    manifest: "k".repeat(130_000),
  } as const;
  expect(() => encode(message)).toThrow("at most 127000 fit");
  expect(encode({ ...message, manifest: "k" }).manifest).toBe("k");
});

test("sizeOf() counts bytes, not characters", () => {
  const message = { kind: "alert-due", version: 1, event: "é", channel: "" } as const;
  expect(sizeOf(message)).toBe(sizeOf({ ...message, event: "e" }) + 1);
});

test("every live queue has a dead-letter queue, and no dead-letter queue has one", () => {
  for (const queue of Object.values(QUEUES)) {
    expect(DEAD_QUEUE_OF[queue] !== undefined, queue).toBe(isLiveQueue(queue));
  }
});
