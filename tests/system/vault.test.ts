import { gunzipSync } from "node:zlib";
import type { Vault } from "@patina/worker/vault";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDatabase, type System, startSystem, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
let system: System;
/** What the dispatcher has to work with. */
let bindings: Record<string, unknown>;

beforeAll(async () => {
  const files = [makeDatabase(folder.path, { name: "shop", rows: 5 })];
  system = await startSystem({ folder: folder.path, files });
  bindings = await system.patina.miniflare.getBindings("patina-dispatcher");
});

afterAll(async () => {
  await system.patina.stop();
  folder.remove();
});

test("the dispatcher reads a stored backup through the archiver's Vault, whole and in part", async () => {
  const { job } = await system.patina.begin(Date.now());
  const { tasks } = await system.ended(job);
  const [{ result }] = tasks;
  const vault = bindings["VAULT"] as Vault;
  expect(await vault.head(result.key)).toMatchObject({ key: result.key, size: result.stored_bytes });
  const whole = await vault.open(result.key);
  if (whole.end !== "opened") throw new Error(`Cannot open the backup: ${whole.end}`);
  const bytes = Buffer.from(await new Response(whole.body).arrayBuffer());
  expect(gunzipSync(bytes).toString()).toContain("'shop 4'");
  const part = await vault.open(result.key, { offset: 3, length: 7, etag: whole.object.etag });
  if (part.end !== "opened") throw new Error(`Cannot open the backup: ${part.end}`);
  expect(Buffer.from(await new Response(part.body).arrayBuffer()).equals(bytes.subarray(3, 10))).toBe(true);
  expect(await vault.open("daily/2020-01-01/shop.sql.gz")).toEqual({ end: "absent" });
});

test("the dispatcher has no bucket of its own, and no source database", () => {
  const names = Object.keys(bindings);
  expect(names).toContain("CATALOG");
  expect(names.filter((name) => name === "BUCKET" || name.startsWith("DB_"))).toEqual([]);
});
