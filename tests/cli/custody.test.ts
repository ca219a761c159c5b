import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { AnsweringServer } from "./answering-server.ts";
import { onTerminal, patina, start } from "./command.ts";
import { REMOVED_ENTRY } from "./removed-entry.ts";

/**
 * What the server does with stored backups when the command asks for it: verify, drill, prune, rebuild. The answers are
 * those of the API as its documents have them; what is behind them is tested where it is.
 */

const server = await AnsweringServer.start();
const { answers, asked, env } = server;

afterAll(() => server.stop());

beforeEach(() => {
  server.forget();
  answers.set("GET /databases/shop", [SHOP]);
});

function run(args: readonly string[]) {
  return patina(args, { env });
}

const SHOP = {
  name: "shop",
  environment: "production",
  binding: "DB_SHOP",
  d1_id: null,
  description: "",
  priority: "normal",
  estimated_bytes: null,
  enabled: true,
  owner: "registry",
  blocked_reason: null,
  standing: "good",
  last_good: null,
  failures_since: 0,
  last_failure: null,
};

const VERIFY = {
  id: "verify-20261120-120000-aaaaaa",
  scope: "asked",
  database: "shop",
  date: "2026-11-20",
  state: "running",
  total: 2,
  checked: 1,
  damaged: 0,
  unread: 0,
  bytes: 1_000_000,
  postponed: 0,
  started_at: "2026-11-20T12:00:00.000Z",
  updated_at: "2026-11-20T12:00:00.000Z",
  finished_at: null,
};

const FOUND = {
  ...VERIFY,
  state: "done",
  checked: 2,
  damaged: 1,
  finished_at: "2026-11-20T12:00:09.000Z",
  findings: [{ key: "daily/2026-11-20/shop.sql.gz", damage: "Its digest is not the one that the manifest says" }],
  waiting: [],
};

test("patina verify --remote starts it on the server, and patina status shows what came of it", async () => {
  answers.set("POST /verify", [VERIFY]);
  const started = await run(["verify", "shop@2026-11-20", "--remote"]);
  expect(started).toMatchObject({ exit: 0, out: `${VERIFY.id}\n`, err: expect.stringContaining("--watch follows it") });
  expect(asked.at(-1)).toEqual({ request: "POST /verify", body: { database: "shop", date: "2026-11-20" } });
  answers.set(`GET /verify/${VERIFY.id}`, [FOUND]);
  const shown = await run(["status", VERIFY.id]);
  expect(shown.exit).toBe(4);
  expect(shown.out).toBe(
    `verification\tof\tstate\tchecked\tdamaged\tread\n${VERIFY.id}\tshop@2026-11-20\tdone\t2\t1\t1000000\n`,
  );
  expect(shown.err).toBe("daily/2026-11-20/shop.sql.gz: Its digest is not the one that the manifest says.\n");
});

test("patina verify --remote --wait follows it to its end; without a name it is about everything", async () => {
  answers.set("POST /verify", [VERIFY]);
  answers.set(`GET /verify/${VERIFY.id}`, [VERIFY, { ...FOUND, damaged: 0, findings: [] }]);
  const { exit, out } = await run(["verify", "--remote", "--wait", "--json"]);
  expect(exit).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ runs: [{ id: VERIFY.id, state: "done", damaged: 0 }] });
  expect(asked[0]).toEqual({ request: "POST /verify", body: {} });
});

test("on a terminal a line shows how far the server has come", async () => {
  answers.set("POST /verify", [VERIFY]);
  answers.set(`GET /verify/${VERIFY.id}`, [VERIFY, { ...FOUND, damaged: 0, findings: [] }]);
  const { said } = await onTerminal(["verify", "--remote", "--wait"], { typed: "", at: /never/, env });
  expect(said).toContain("Verifying: 1 of 2, 1.0 MB read");
});

const DRILL = {
  id: "drill-0123",
  database: "shop",
  date: null,
  job: null,
  key: null,
  cause: "asked",
  state: "queued",
  verdict: null,
  reason: null,
  rows: null,
  bytes: null,
  rows_written: 0,
  restore_ms: null,
  schema_digest: null,
  created_at: "2026-11-20T12:00:00.000Z",
  started_at: null,
  finished_at: null,
};

test("patina drill --remote starts drills on the server, and names what it starts none for", async () => {
  const opened = { opened: 1, drills: [DRILL], already_running: [{ database: "blog", drill: "drill-9" }] };
  answers.set("POST /drills", [{ ...opened, without_backup: ["wiki"] }]);
  const started = await run(["drill", "--remote"]);
  expect(started).toMatchObject({ exit: 0, out: "drill-0123\ndrill-9\n" });
  expect(started.err).toContain("blog is being drilled already, in drill-9.\nWithout any backup: wiki.\n");
});

test.each([
  ["failed", 4],
  ["passed", 0],
  ["unprovable", 0],
])("patina drill --remote --wait of a backup whose verdict is %s ends with %i", async (verdict, exit) => {
  answers.set("POST /drills", [{ opened: 1, drills: [DRILL], already_running: [], without_backup: [] }]);
  const done = {
    ...DRILL,
    date: "2026-11-20",
    state: "done",
    verdict,
    reason: "table t differs",
    rows: 9,
    restore_ms: 12,
  };
  answers.set("GET /drills/drill-0123", [
    { ...DRILL, state: "running" },
    { ...done, checks: [] },
  ]);
  const ended = await run(["drill", "shop", "--remote", "--wait"]);
  expect(ended.exit).toBe(exit);
  expect(ended.out).toContain(`drill-0123\tshop\t2026-11-20\t${verdict}\t9\t12\ttable t differs\n`);
  expect((await run(["status", "drill-0123"])).exit).toBe(exit);
});

test.each([
  ["--wait of what is done here", ["verify", "--wait"], /--wait goes with --remote/],
  ["a job, which the server does not know a backup by", ["verify", "shop@manual-2026", "--remote"], /shop@2026-11-20/],
  ["another place", ["drill", "shop", "--remote", "--source", "."], /--source names another place/],
  ["a drill of nothing", ["drill"], /no backup is named/],
  ["a prune of one database", ["prune", "--database", "shop"], /of everything .*\.\nTry: patina prune --dry-run/],
] as const)("%s is refused with 2", async (_, args, sentence) => {
  const { exit, out, err } = await run(args);
  expect(err).toMatch(sentence);
  expect({ exit, out }).toEqual({ exit: 2, out: "" });
  expect(asked.filter(({ request }) => request.startsWith("POST"))).toEqual([]);
});

test("patina prune --dry-run shows, page by page, what the next prune would remove and why", async () => {
  const weekly = {
    ...REMOVED_ENTRY,
    key: "weekly/2026-W30.tar.gz",
    kind: "weekly",
    database: null,
    date: null,
    to_copy_out: 2,
  };
  const page = { as_of: "2026-11-20T12:00:00.000Z", doubt: null };
  const path = "GET /retention/preview?limit=100&decision=remove&database=shop";
  answers.set(path, [{ ...page, entries: [weekly], next_cursor: "abc" }]);
  answers.set(`${path}&cursor=abc`, [{ ...page, entries: [REMOVED_ENTRY], next_cursor: null }]);
  const { exit, out, err } = await run(["prune", "--dry-run", "--database", "shop"]);
  expect(exit, err).toBe(0);
  expect(out.split("\n").slice(0, 3)).toEqual([
    "decision\tkey\tsize\tcopied out\treason",
    `remove\tweekly/2026-W30.tar.gz\t61000\t2\t${REMOVED_ENTRY.reason}`,
    `remove\tdaily/2026-11-01/shop.sql.gz\t61000\t0\t${REMOVED_ENTRY.reason}`,
  ]);
  expect(err).toBe("2 objects would be removed, 122 KB. 2 backups would be copied out of archives first.\n");
});

const PRUNE = {
  id: "prune-1",
  state: "running",
  doubt: null,
  error: null,
  kept: 0,
  removed: 0,
  removed_bytes: 0,
  rescued: 0,
};

test("patina prune --wait has the server prune, and says what went", async () => {
  answers.set("POST /prune", [{ prune: PRUNE, started: true }]);
  const done = { ...PRUNE, state: "done", kept: 1_200, removed: 12, removed_bytes: 340_000, rescued: 1 };
  answers.set("GET /prunes/prune-1?limit=1", [{ prune: done }]);
  expect(await run(["prune", "--wait"])).toMatchObject({
    exit: 0,
    out: "prune-1 removed 12 objects, 340 KB, and kept 1,200. 1 backup copied out of archives first.\n",
  });
  answers.set("GET /prunes/prune-1?limit=1", [{ prune: { ...done, removed: 0, doubt: "nothing is removed: why" } }]);
  expect((await run(["prune", "--wait"])).out).toBe("prune-1 removed nothing: why.\n");
  answers.set("GET /prunes/prune-1?limit=1", [{ prune: { ...done, state: "failed", error: "it was left alone" } }]);
  expect(await run(["prune", "--wait"])).toMatchObject({
    exit: 1,
    out: expect.stringContaining("prune-1 failed: it was left alone."),
  });
  const begun = await run(["prune", "--json"]);
  expect(JSON.parse(begun.out)).toEqual({ prune: PRUNE });
});

test("patina prune --dry-run says why nothing would go, and --all shows what stays", async () => {
  const doubt = "nothing is removed: the last tick was more than 48 hours ago";
  const entries = [{ ...REMOVED_ENTRY, decision: "keep", reason: doubt }];
  answers.set("GET /retention/preview?limit=100", [{ as_of: "", doubt, entries, next_cursor: null }]);
  const { out, err } = await run(["prune", "--dry-run", "--all", "--json"]);
  expect(JSON.parse(out)).toMatchObject({ doubt, entries: [{ decision: "keep" }] });
  expect(err).toBe(
    "Nothing would be removed: the last tick was more than 48 hours ago.\n0 objects would be removed, 0 B.\n",
  );
});

const HELD = "Nothing is removed from the bucket for now: nobody has set what is to be kept.";
const REBUILD = {
  id: "rebuild-01",
  state: "running",
  phase: "manifests",
  started_at: "2026-11-20T12:00:00.000Z",
  updated_at: "2026-11-20T12:00:00.000Z",
  finished_at: null,
  error: null,
  found: { backups: 7, archives: 0, archived_backups: 0, receipts: 0 },
  added: { backups: 5, archives: 0, archived_backups: 0, drills: 0, databases: 1 },
  skipped: 0,
  skipped_objects: [],
};

test.each([
  ["done", { state: "done" }, 0, /^backups +7 found, 5 added$/m],
  [
    "done with objects that nothing could be made of",
    { state: "done", skipped: 1, skipped_objects: [{ key: "daily/x", reason: "it is no JSON" }] },
    3,
    /^skipped +1$/m,
  ],
  ["failed", { state: "failed", error: "the bucket does not answer" }, 1, /^error +the bucket does not answer$/m],
])("patina catalog rebuild --wait that is %s says so", async (_, change, exit, line) => {
  const removals_held = "nothing is removed: nobody has set what is to be kept";
  const answer = { removals_held, not_in_bucket: ["The audit log."] };
  answers.set("POST /catalog/rebuild", [{ ...answer, rebuild: REBUILD, started: true }]);
  answers.set("GET /catalog/rebuild", [
    { ...answer, rebuild: REBUILD },
    { ...answer, rebuild: { ...REBUILD, ...change } },
  ]);
  const ended = await run(["catalog", "rebuild", "--wait"]);
  expect(ended.out).toMatch(line);
  expect(ended.exit, ended.err).toBe(exit);
  if (exit === 0) expect(ended.err).toBe(`${HELD}\nNot in the bucket: The audit log.\n`);
  const status = await run(["catalog", "status", "--json"]);
  expect(JSON.parse(status.out)).toMatchObject({ rebuild: { id: "rebuild-01", ...change } });
});

test("whoever stops waiting is told that it goes on at the server, and how to see it", async () => {
  const answer = { removals_held: null, not_in_bucket: [], rebuild: REBUILD };
  answers.set("POST /catalog/rebuild", [{ ...answer, started: true }]);
  answers.set("GET /catalog/rebuild", [answer]);
  const running = start(["catalog", "rebuild", "--wait"], { env });
  await vi.waitFor(() => expect(asked.filter(({ request }) => request === "GET /catalog/rebuild").length).toBe(2), {
    timeout: 20_000,
  });
  running.child.kill("SIGINT");
  const { exit, err } = await running.ended;
  expect(exit).toBe(130);
  expect(err).toBe("\nInterrupted. It goes on at the server: patina catalog status shows how far it came.\n");
});

test("patina archive list shows the archives of a running Patina with what they lack", async () => {
  const archive = { week: "2026-W47", is_stored: true, backups: 13, bytes: 5, raw_bytes: 9, verified_at: null };
  answers.set("GET /archives?limit=100", [
    { archives: [archive, { ...archive, is_stored: false }], next_cursor: null },
  ]);
  const missing = [{ date: "2026-11-18", database: "shop", reason: "its backup failed" }];
  answers.set("GET /archives/2026-W47?limit=100", [{ missing, members: [], next_cursor: null }]);
  const { exit, out, err } = await run(["archive", "list"]);
  expect(exit, err).toBe(0);
  expect(out).toBe("week\tbackups\tmissing\traw\tstored\tverified\n2026-W47\t13\t1\t9\t5\t-\n");
  const unknown = await run(["archive", "extract", "2026-W01", "--to", "/nowhere"]);
  expect(unknown).toMatchObject({ exit: 10, err: expect.stringContaining("One of 2026-W47.") });
});
