import fc from "fast-check";
import { expect, test } from "vitest";
import { seal, unseal } from "./seal.ts";

const KEY = btoa("k".repeat(32));
const OTHER_KEY = btoa("o".repeat(32));
const SECRET = { url: "https://hooks.example.com/T0/s3cr3t", signingKey: "whsec_x" };

test("what was sealed for a channel is read back with the same key, whatever it holds", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), fc.option(fc.string()), async (url, signingKey) => {
      const sealed = await seal({ url, signingKey }, { channel: "ops", key: KEY });
      expect(await unseal(sealed, { channel: "ops", key: KEY })).toEqual({ url, signingKey });
    }),
    { numRuns: 50 },
  );
});

test("the same secret is never sealed to the same bytes, and none of it shows in them", async () => {
  const [one, two] = await Promise.all([1, 2].map(() => seal(SECRET, { channel: "ops", key: KEY })));
  expect(one).not.toEqual(two);
  expect(new TextDecoder("latin1").decode(one)).not.toContain("s3cr3t");
});

test("another key, another channel, or one changed bit reads nothing", async () => {
  const sealed = await seal(SECRET, { channel: "ops", key: KEY });
  expect(await unseal(sealed, { channel: "ops", key: OTHER_KEY })).toBeNull();
  expect(await unseal(sealed, { channel: "team", key: KEY })).toBeNull();
  for (let i = 0; i < sealed.length; i += 1) {
    const changed = sealed.map((byte, at) => (at === i ? byte ^ 1 : byte));
    expect(await unseal(changed, { channel: "ops", key: KEY }), `byte ${i}`).toBeNull();
  }
  for (const length of [0, 1, 13, sealed.length - 1]) {
    expect(await unseal(sealed.slice(0, length), { channel: "ops", key: KEY }), `${length} bytes`).toBeNull();
  }
});

test.each([
  ["missing", undefined],
  ["empty", ""],
  ["no base64", "***"],
  ["too short", btoa("k".repeat(31))],
  ["too long", btoa("k".repeat(33))],
])("an ALERT_KEY that is %s is refused by name, and not repeated", async (_, key) => {
  const refused = { code: "alert_key_missing", message: expect.stringContaining("ALERT_KEY") };
  await expect(seal(SECRET, { channel: "ops", key })).rejects.toMatchObject(refused);
  await expect(unseal(new Uint8Array(40), { channel: "ops", key })).rejects.toMatchObject(refused);
});
