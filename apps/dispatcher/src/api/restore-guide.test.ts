import { beforeEach, expect, test } from "vitest";
import { type StoredBackup, storeBackup } from "./stored-backup.ts";
import { TestApi } from "./testing.ts";

let api: TestApi;
let backup: StoredBackup;

beforeEach(async () => {
  api = await TestApi.start();
  const ref = { kind: "daily", date: "2026-11-19", database: "shop" } as const;
  backup = await storeBackup(api, { ref, job: "nightly-2026-11-19", rows: ["a", "b"], createdAt: 1_000 });
});

test("the guide is filled in with this database's names, dates, sizes, digests and row counts", async () => {
  const answer = await api.ask("/restore-guide/shop");
  expect(answer.headers.get("content-type")).toBe("text/markdown; charset=utf-8");
  const guide = await answer.text();
  const { sha256, bytes } = backup.manifest.object;
  expect(guide).toContain("# Restore shop");
  expect(guide).toContain("'https://patina.example/download/2026-11-19/shop?job=nightly-2026-11-19'");
  expect(guide).toContain(`echo '${sha256}  shop-2026-11-19.sql.gz' | sha256sum -c`);
  expect(guide).toContain(`${bytes} bytes`);
  expect(guide).toContain('SELECT count(*) = 2 FROM "notes";');
  expect(guide).toContain("npx wrangler d1 create shop-restored");
  expect(guide).not.toMatch(/undefined|NaN|null/);
});

test("the guide begins with Time Travel, and says whether it still reaches the backup", async () => {
  const guide = await (await api.ask("/restore-guide/shop")).text();
  expect(guide.indexOf("Time Travel first")).toBeGreaterThan(0);
  expect(guide.indexOf("Time Travel first")).toBeLessThan(guide.indexOf("Get the backup"));
  expect(guide).toContain("npx wrangler d1 time-travel restore shop --timestamp=2026-11-20T03:00:00Z");
  expect(guide).toContain("It still reaches the moment of this backup");
  api.now += 31 * 86_400_000;
  expect(await (await api.ask("/restore-guide/shop")).text()).toContain("It no longer reaches the moment");
});

test("a browser gets a page that loads nothing", async () => {
  const answer = await api.ask("/restore-guide/shop", { headers: { accept: "text/html,*/*;q=0.8" } });
  const html = await answer.text();
  expect(answer.headers.get("vary")).toContain("accept");
  expect(html).toContain("<h1>Restore shop</h1>");
  expect(html).not.toMatch(/<script|<link|<img|src=/);
  const [, nonce] = /style-src 'nonce-([^']+)'/.exec(answer.headers.get("content-security-policy") ?? "") ?? [];
  expect(html).toContain(`<style nonce="${nonce}">`);
});

test("a guide can be of another date, also for a database that is no longer registered", async () => {
  const ref = { kind: "daily", date: "2026-11-18", database: "gone" } as const;
  await storeBackup(api, { ref, job: "nightly-2026-11-18", rows: ["x"], createdAt: 500 });
  expect(await (await api.ask("/restore-guide/gone?date=2026-11-18")).text()).toContain("no longer registered");
  expect((await api.ask("/restore-guide/shop?date=2026-11-18")).status).toBe(404);
  expect((await api.ask("/restore-guide/none")).status).toBe(404);
});

test("a database without a backup gets a guide that says how to make one", async () => {
  const guide = await (await api.ask("/restore-guide/auth")).text();
  expect(guide).toContain("There is no backup of this database yet");
  expect(guide).toContain("https://patina.example/trigger");
});

test("a name of a table cannot become markup, a command or another line", async () => {
  const name = "</code><script>alert(1)</script>`$(rm -rf ~)`|\n# heading";
  const manifest = { ...backup.manifest, tables: backup.manifest.tables.map((table) => ({ ...table, name })) };
  api.vault.backups[0] = { ...backup, from: "daily", manifest };
  const guide = await (await api.ask("/restore-guide/shop")).text();
  expect(guide).not.toContain("<script>");
  expect(guide).not.toMatch(/^# heading/m);
  const shell = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, lines]) => lines).join();
  expect(shell).not.toContain("rm -rf");
  const html = await (await api.ask("/restore-guide/shop", { headers: { accept: "text/html" } })).text();
  expect(html).not.toContain("<script>");
});
