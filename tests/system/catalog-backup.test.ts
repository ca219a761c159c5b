import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { registerSql } from "@patina/infra/register-sql";
import { readRegistry } from "@patina/infra/registry";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDatabase, type System, startSystem, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
let system: System;

beforeAll(async () => {
  const files = [makeDatabase(folder.path, { name: "shop", rows: 5 })];
  system = await startSystem({ folder: folder.path, files });
});

afterAll(async () => {
  await system.patina.stop();
  folder.remove();
});

test("the catalog is backed up as infra registers it: with its settings, without the addresses of channels", async () => {
  const body = JSON.stringify({ id: "ops", kind: "webhook", url: "http://127.0.0.1:9/", events: ["job-failed"] });
  await system.ask("/alerts", { method: "POST", body });
  const { databases } = readRegistry("");
  await system.rows(
    registerSql(
      databases.map((entry) => ({ kind: "add", entry })),
      Date.now(),
    ),
  );
  const { job } = await system.ask("/trigger", {
    method: "POST",
    body: JSON.stringify({ database: "patina-catalog" }),
  });
  await system.ended(job.id);
  const { tasks } = await system.ask(`/jobs/${job.id}`);
  expect(tasks).toMatchObject([{ database: "patina-catalog", state: "done", error: null }]);

  const { date } = job;
  const download = await system.patina.request(`/download/${date}/patina-catalog?format=sql&job=${job.id}`);
  expect(download.status).toBe(200);
  const restored = new DatabaseSync(join(folder.path, "restored.sqlite"));
  restored.exec(await download.text());
  expect({ ...restored.prepare("select id, host, url_ciphertext from alert_config").get() }).toEqual({
    id: "ops",
    host: "127.0.0.1:9",
    url_ciphertext: null,
  });
  expect(restored.prepare("select name from d1_migrations").all().length).toBeGreaterThan(8);
  restored.close();
});
