import { createExecutionContext, env } from "cloudflare:test";
import { Faults, faultyBinding } from "@patina/testkit/faults";
import type { VaultAnswer, VaultRange } from "@patina/worker/vault";
import { beforeEach, expect, test } from "vitest";
import { Vault } from "./vault.ts";

const KEY = "daily/2026-11-20/shop.sql.gz";
const NOTHING = "daily/2026-11-20/empty.sql.gz";
const TEXT = "0123456789";

beforeEach(async () => {
  await env.BUCKET.put(KEY, TEXT);
  await env.BUCKET.put(NOTHING, "");
});

function vault(bucket = env.BUCKET): Vault {
  return new Vault(createExecutionContext(), { BUCKET: bucket } as Env);
}

async function read(key: string, wanted?: VaultRange): Promise<string | VaultAnswer["end"]> {
  const answer = await vault().open(key, wanted);
  return answer.end === "opened" ? `"${await new Response(answer.body).text()}"` : answer.end;
}

test("Vault tells what an object is, and null when there is none", async () => {
  const stored = await env.BUCKET.head(KEY);
  expect(await vault().head(KEY)).toEqual({
    key: KEY,
    size: 10,
    etag: stored?.etag,
    uploaded: stored?.uploaded.getTime(),
  });
  expect(await vault().head("daily/2026-11-20/nothing.sql.gz")).toBeNull();
});

test("Vault opens an object whole or in part, and gives less only where it ends", async () => {
  expect(await read(KEY)).toBe('"0123456789"');
  expect(await read(KEY, { offset: 3, length: 4 })).toBe('"3456"');
  expect(await read(KEY, { offset: 7 })).toBe('"789"');
  expect(await read(KEY, { offset: 8, length: 100 })).toBe('"89"');
  expect(await vault().open(KEY, { offset: 8, length: 100 })).toMatchObject({ offset: 8, length: 2 });
  expect(await read(NOTHING)).toBe('""');
});

test("Vault never gives the whole object for a range that it does not have", async () => {
  for (const wanted of [{ offset: 10 }, { offset: 5_000 }, { offset: -1 }, { length: 0 }, { offset: 0.5 }]) {
    expect(await vault().open(KEY, wanted), JSON.stringify(wanted)).toEqual({ end: "outside", size: 10 });
  }
  expect(await read("daily/2026-11-20/nothing.sql.gz")).toBe("absent");
});

test("Vault opens the object that was seen, or says that it is another one now", async () => {
  const { etag = "" } = (await vault().head(KEY)) ?? {};
  expect(await read(KEY, { etag })).toBe('"0123456789"');
  await env.BUCKET.put(KEY, "other bytes");
  expect(await read(KEY, { etag })).toBe("changed");
});

test("Vault notices an object that is overwritten or deleted while it opens it", async () => {
  const meanwhile = (act: () => Promise<unknown>) =>
    new Proxy(env.BUCKET, {
      get: (bucket, name) =>
        name === "head"
          ? async (key: string) => await bucket.head(key).finally(act)
          : (...args: Parameters<R2Bucket["get"]>) => bucket.get(...args),
    });
  const overwritten = meanwhile(() => env.BUCKET.put(KEY, "9876543210"));
  expect(await vault(overwritten).open(KEY, { offset: 2 })).toEqual({ end: "changed" });
  expect(await vault(meanwhile(() => env.BUCKET.delete(KEY))).open(KEY)).toEqual({ end: "absent" });
});

test("Vault names the object when the bucket does not answer", async () => {
  const broken = faultyBinding(env.BUCKET, new Faults({ at: 1, when: "before", lasting: "for ever" }));
  await expect(vault(broken).head(KEY)).rejects.toMatchObject({
    code: "bucket_unavailable",
    message: expect.stringContaining(KEY),
  });
});

test("Vault can look and open, and nothing else", () => {
  const methods = Object.getOwnPropertyNames(Vault.prototype).filter((name) => name !== "constructor");
  expect(methods.sort()).toEqual(["findBackup", "head", "open", "openBackup"]);
});
