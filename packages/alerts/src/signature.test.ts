import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isSigningKey, newSigningKey, signatureHeaders } from "./signature.ts";

const KEY = newSigningKey((bytes) => bytes.fill(7));
const NOW = Date.parse("2026-11-20T03:00:10Z");
const MESSAGE = { id: "job-failed:nightly-2026-11-20", body: '{"version":1}' };

// The library looks at the clock.
beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

test("a signature is what the Standard Webhooks library of a receiver accepts", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 24, maxLength: 64 }), fc.json(), async (bytes, body) => {
      const key = `whsec_${Buffer.from(bytes).toString("base64")}`;
      expect(isSigningKey(key)).toBe(true);
      const headers = await signatureHeaders({ ...MESSAGE, body }, { key, at: NOW });
      expect(new Webhook(key).verify(body, headers)).toEqual(JSON.parse(body));
    }),
  );
});

test("a receiver refuses a changed body, another key and a message that is ten minutes old", async () => {
  const headers = await signatureHeaders(MESSAGE, { key: KEY, at: NOW });
  expect(() => new Webhook(KEY).verify('{"version":2}', headers)).toThrow();
  expect(() => new Webhook(newSigningKey((bytes) => bytes.fill(8))).verify(MESSAGE.body, headers)).toThrow();
  const old = await signatureHeaders(MESSAGE, { key: KEY, at: NOW - 600_000 });
  expect(() => new Webhook(KEY).verify(MESSAGE.body, old)).toThrow(/too old/);
});

test("isSigningKey() refuses what is too short, too long or no base64", () => {
  const key = (length: number) => `whsec_${Buffer.alloc(length).toString("base64")}`;
  expect([24, 32, 64].map(key).every(isSigningKey)).toBe(true);
  for (const text of ["", "whsec_", "secret", key(23), key(65), "whsec_***", KEY.slice(6)]) {
    expect(isSigningKey(text), text).toBe(false);
  }
});
