import { env } from "cloudflare:test";
import { listAudit } from "@patina/catalog/audit";
import { backupInventory, verifyRuns } from "@patina/catalog/schema";
import { beforeEach, expect, test } from "vitest";
import { storeBackup } from "./stored-backup.ts";
import { jsonOf, READ_TOKEN, TestApi } from "./testing.ts";

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start(["auth", "shop"]);
  const job = "nightly-2026-11-19";
  for (const database of ["auth", "shop"]) {
    await storeBackup(api, {
      ref: { kind: "daily", date: "2026-11-19", database },
      job,
      rows: ["a"],
      createdAt: 1_000,
    });
  }
});

function post(body: unknown, headers: Record<string, string> = {}) {
  return { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
}

test.each([
  ["one backup", { database: "shop", date: "2026-11-19" }],
  ["a database", { database: "shop" }],
  ["a date", { date: "2026-11-19" }],
  ["all", {}],
])("POST /verify opens a run for %s, says where it is, and asks the archiver for it", async (_, body) => {
  const answer = await api.ask("/verify", post(body));
  expect(answer.status).toBe(202);
  const run = await jsonOf(answer);
  expect(run).toMatchObject({ scope: "asked", database: null, date: null, ...body, state: "running", checked: 0 });
  expect(run.id).toMatch(/^verify-20261120-120000-[0-9a-f]{6}$/);
  const location = answer.headers.get("location") ?? "";
  expect(location).toBe(`/verify/${run.id}`);
  expect(await api.json(location)).toMatchObject({ id: run.id, findings: [], waiting: [] });
  const { database = null, date = null } = body as { database?: string; date?: string };
  expect(api.exports.bodies).toEqual([{ kind: "verify", version: 1, run: run.id, database, date, snoozes: 0 }]);
  expect(await listAudit(api.catalog, { limit: 10 })).toMatchObject([
    { action: "verify.start", subject: run.id, actor: "admin-token", detail: body },
  ]);
});

test("POST /verify with the same Idempotency-Key opens one run", async () => {
  const again = post({ database: "shop" }, { "idempotency-key": "once" });
  const first = await jsonOf(await api.ask("/verify", again));
  const second = await api.ask("/verify", again);
  expect(second.headers.get("idempotent-replayed")).toBe("true");
  expect((await jsonOf(second)).id).toBe(first.id);
  expect(await api.catalog.select().from(verifyRuns)).toHaveLength(1);
  expect(api.exports.sent).toHaveLength(1);
});

test("POST /verify refuses to verify what is not there, and what it cannot read, and changes nothing", async () => {
  expect(await api.json("/verify", post({ database: "nobody" }))).toMatchObject({
    status: 404,
    detail: "Cannot verify: no database of this name is registered",
  });
  expect(await api.json("/verify", post({ database: "shop", date: "2026-11-01" }))).toMatchObject({
    status: 404,
    detail: "Cannot verify: no stored backup is of what was named",
  });
  for (const body of [{ database: "../etc" }, { date: "yesterday" }, { key: "daily/x" }]) {
    expect((await api.ask("/verify", post(body))).status).toBe(400);
  }
  expect((await api.ask("/verify", { ...post({}), token: READ_TOKEN })).status).toBe(403);
  expect(await api.catalog.select().from(verifyRuns)).toEqual([]);
  expect(api.exports.sent).toEqual([]);
  await api.catalog.delete(backupInventory);
  expect(await api.json("/verify", post({}))).toMatchObject({ detail: "Cannot verify: nothing is stored" });
});

test("GET /verify lists runs, the newest first, and GET /verify/:id says what one found", async () => {
  const findings = [{ key: "daily/2026-11-19/shop.sql.gz", damage: "The object is missing" }];
  for (const day of [17, 18, 19]) {
    const at = Date.parse(`2026-11-${day}T05:00:00Z`);
    await api.catalog.insert(verifyRuns).values({
      ...{
        id: `verify-2026-11-${day}`,
        state: "done" as const,
        total: 9,
        checked: 4,
        damaged: 1,
        bytes: 400,
        postponed: 4,
      },
      ...{ unread: 1, findings, waiting: ["weekly/2026-W46.tar.gz"], startedAt: at, updatedAt: at, finishedAt: at },
    });
  }
  const first = await api.json("/verify?limit=2");
  expect(first.runs.map(({ id }: { id: string }) => id)).toEqual(["verify-2026-11-19", "verify-2026-11-18"]);
  const second = await api.json(`/verify?limit=2&cursor=${first.next_cursor}`);
  expect(second).toMatchObject({ runs: [{ id: "verify-2026-11-17" }], next_cursor: null });
  expect(await api.json("/verify/verify-2026-11-18", { token: READ_TOKEN })).toMatchObject({
    ...{ scope: "due", total: 9, checked: 4, damaged: 1, unread: 1, postponed: 4, bytes: 400, findings },
    waiting: ["weekly/2026-W46.tar.gz"],
    finished_at: "2026-11-18T05:00:00.000Z",
  });
  for (const id of ["verify-2026-11-01", "nonsense"]) expect((await api.ask(`/verify/${id}`)).status).toBe(404);
});

test("GET /list says which backups are damaged, and GET /metrics how many", async () => {
  await env.CATALOG.exec(
    "update backup_inventory set verified_at = 5000, damaged_at = 6000, damage = 'The object is missing' where database = 'shop'",
  );
  await env.CATALOG.exec("update backup_inventory set verified_at = 7000 where database = 'auth'");
  const all = await api.json("/list");
  expect(all.backups).toMatchObject([
    { database: "auth", damaged_at: null, damage: null },
    { database: "shop", damaged_at: "1970-01-01T00:00:06.000Z", damage: "The object is missing" },
  ]);
  expect((await api.json("/list?damaged=true")).backups).toMatchObject([{ database: "shop" }]);
  expect((await api.json("/list?damaged=false")).backups).toMatchObject([{ database: "auth" }]);
  const lines = (await (await api.ask("/metrics")).text()).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      "patina_backups_damaged 1",
      "patina_oldest_verified_timestamp_seconds 7",
      'patina_last_good_verified_timestamp_seconds{database="auth"} 7',
    ]),
  );
  expect(lines.join("\n")).not.toContain('verified_timestamp_seconds{database="shop"}');
});

/** Marks the backup of shop as damaged, in the catalog and in the vault. */
async function damage(): Promise<void> {
  const found = api.vault.backups.find(({ manifest }) => manifest.database === "shop");
  if (found === undefined) throw new Error("There is no backup of shop");
  found.damage = 'The damage lies in table "tëst"';
  await env.CATALOG.exec(
    "update backup_inventory set damaged_at = 1, damage = 'x' where key = 'daily/2026-11-19/shop.sql.gz'",
  );
}

test.each(["/download/2026-11-19/shop", "/manifest/2026-11-19/shop", "/restore-guide/shop?date=2026-11-19"])(
  "GET %s of a damaged backup says so, and gives it to those who ask for it all the same",
  async (path) => {
    await damage();
    expect(await api.json(path)).toMatchObject({
      status: 409,
      code: "known_damaged",
      detail: 'Cannot use "daily/2026-11-19/shop.sql.gz": it is damaged. The damage lies in table "tëst"',
    });
    const answer = await api.ask(`${path}${path.includes("?") ? "&" : "?"}damaged=true`);
    expect(answer.status).toBe(200);
    if (path.startsWith("/download")) {
      expect(answer.headers.get("patina-damage")).toBe('The damage lies in table "t?st"');
      expect(api.vault.opened).toMatchObject([{ backup: { database: "shop", evenDamaged: true } }]);
    }
    if (path.startsWith("/restore")) {
      const text = await answer.text();
      expect(text).toContain("This backup is damaged");
      expect(text).toContain("?job=nightly-2026-11-19&damaged=true");
    }
  },
);

test("the restore guide is about the newest good backup, and marks the damaged one", async () => {
  const ref = { kind: "daily", date: "2026-11-18", database: "shop" } as const;
  await storeBackup(api, { ref, job: "nightly-2026-11-18", rows: ["b"], createdAt: 500 });
  await damage();
  const text = await (await api.ask("/restore-guide/shop")).text();
  expect(text).toContain("This guide is about the backup of 2026-11-18");
  expect(text).toMatch(/2026-11-19 +\| nightly-2026-11-19 .*damaged/);
});
