import { env, runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { scratchSource } from "./scratch-source.ts";

test.each([
  ["result_too_large", "a value that is too long", "SELECT hex(zeroblob(900000000)) AS c0"],
  ["source_failed", "any other refusal", "SELECT c0 FROM missing"],
])("a scratch database says %s of %s", async (code, _, sql) => {
  const failure = await runInDurableObject(env.SCRATCH.getByName("source"), async (_object, { storage }) => {
    return await scratchSource(storage.sql)
      .batch([{ sql }])
      .catch((error: unknown) => error);
  });
  expect(failure).toMatchObject({ code });
});
