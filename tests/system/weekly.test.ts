import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Vault } from "@patina/worker/vault";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDatabase, type System, startSystem, temporaryFolder, until } from "./harness.ts";

const SUNDAY = "2026-11-15";
const WEEKLY = `weekly-${SUNDAY}`;
const folder = temporaryFolder();
let system: System;

beforeAll(async () => {
  const files = ["shop", "blog"].map((name, i) => makeDatabase(folder.path, { name, rows: 3 + i }));
  system = await startSystem({ folder: folder.path, files });
});

afterAll(async () => {
  await system.patina.stop();
  folder.remove();
});

test("Saturday's and Sunday's nightlies become an archive that tar reads, and sha256sum and SQLite agree with", async () => {
  for (const date of ["2026-11-14", SUNDAY]) {
    await system.patina.fire("nightly", Date.parse(`${date}T03:00:00Z`));
    expect((await system.ended(`nightly-${date}`)).status).toBe("completed");
  }
  await system.patina.fire("weekly", Date.parse(`${SUNDAY}T04:00:00Z`));
  await until(
    () => system.rows(`select * from backup_jobs where id = '${WEEKLY}' and status <> 'running'`),
    (rows) => rows.length > 0,
  );
  const [job] = await system.rows(`select * from backup_jobs where id = '${WEEKLY}'`);
  expect(job).toMatchObject({ status: "completed", databases: 4, succeeded: 4, failed: 0, error: null });

  const bucket = await system.patina.bucket();
  const archive = await bucket.get("weekly/2026-W46.tar.gz");
  const file = join(folder.path, "2026-W46.tar.gz");
  writeFileSync(file, Buffer.from((await archive?.arrayBuffer()) ?? new ArrayBuffer(0)));
  const into = join(folder.path, "week");
  mkdirSync(into);
  execFileSync("tar", ["xzf", file, "-C", into]);
  for (const date of ["2026-11-14", SUNDAY]) {
    const checked = execFileSync("sha256sum", ["-c", "SHA256SUMS"], { cwd: join(into, date), encoding: "utf8" });
    expect(checked).toBe("blog.sql: OK\nblog.manifest.json: OK\nshop.sql: OK\nshop.manifest.json: OK\n");
  }
  const restored = new DatabaseSync(":memory:");
  restored.exec(execFileSync("cat", [join(into, SUNDAY, "blog.sql")], { encoding: "utf8" }));
  expect(restored.prepare("SELECT count(*) AS rows FROM items").get()).toEqual({ rows: 4 });
  restored.close();
});

test("a daily backup that is gone is served out of the archive, as the same bytes", async () => {
  const { VAULT } = await system.patina.miniflare.getBindings("patina-dispatcher");
  const vault = VAULT as Vault;
  const read = async () => {
    const answer = await vault.openBackup({ date: SUNDAY, database: "shop" });
    if (answer.end !== "opened") throw new Error(`Cannot open the backup: ${answer.end}`);
    return { from: answer.from, bytes: Buffer.from(await new Response(answer.body).arrayBuffer()) };
  };
  const daily = await read();
  expect(daily.from).toBe("daily");
  const bucket = await system.patina.bucket();
  await bucket.delete([`daily/${SUNDAY}/shop.sql.gz`, `daily/${SUNDAY}/shop.manifest.json`]);
  const weekly = await read();
  expect(weekly.from).toBe("weekly");
  expect(weekly.bytes.equals(daily.bytes)).toBe(true);
});

test("the tick has the night pruned: what the archive holds and is old goes, the last good one of each stays", async () => {
  // 20 days ago, and Saturday a day before Sunday: both ran within the same second.
  const before = `- 20 * 86400000 - case date when '${SUNDAY}' then 0 else 86400000 end`;
  await system.rows(`update backup_inventory set created_at = created_at ${before} where kind = 'daily'`);
  await system.rows(`update archive_members set finished_at = finished_at ${before}`);
  await system.rows(`insert or replace into ticks (id, last, since) values (1, ${Date.now()}, 0)`);
  await system.patina.fire("tick", Date.now());
  const plan = `prune-${SUNDAY}`;
  const { prune, steps } = await until(
    () => system.ask(`/prunes/${plan}`),
    (answer) => answer.prune !== undefined && answer.prune.state !== "running",
  );
  // Sunday's backup of shop was taken out of the bucket by the test before, but the archive still has it.
  expect(prune).toMatchObject({ state: "done", job: `nightly-${SUNDAY}`, doubt: null, missing: 1, removed: 2 });
  expect(steps.map(({ key, action, state }: Record<string, string>) => [key, action, state])).toEqual([
    ["daily/2026-11-14/blog.sql.gz", "remove", "done"],
    ["daily/2026-11-14/shop.sql.gz", "remove", "done"],
    [`daily/${SUNDAY}/shop.sql.gz`, "forget_row", "skipped"],
  ]);
  const download = await system.patina.request("/download/2026-11-14/blog?format=sql");
  expect(download.status).toBe(200);
  expect(await download.text()).toContain("'blog 0'");
  for (const backup of [`${SUNDAY}/shop`, `${SUNDAY}/blog`]) {
    expect((await system.patina.request(`/download/${backup}`)).status, backup).toBe(200);
  }
});
