import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Receiver, type System, startReceiver, startSystem, until } from "../system/harness.ts";
import { onTerminal, patina, testFolder } from "./command.ts";
import { makeDatabase, SHOP } from "./databases.ts";

/** What looks after a deployment, through its API: databases, dead letters and channels. */

const folder = testFolder();
let system: System;
let receiver: Receiver;
let env: Record<string, string>;

beforeAll(async () => {
  receiver = await startReceiver();
  const broken = join(folder, "broken.sqlite");
  writeFileSync(broken, "no database at all ".repeat(100));
  system = await startSystem({
    folder,
    files: [makeDatabase(join(folder, "shop.sqlite"), SHOP), broken],
    webhooks: { ALERT_KEY: Buffer.alloc(32, 7).toString("base64") },
  });
  env = { PATINA_URL: system.patina.url.href, PATINA_TOKEN: system.patina.token };
  const { job } = await system.patina.begin(Date.now());
  await system.ended(job);
  await until(
    () => system.rows("select id from dead_letters"),
    (letters) => letters.length === 1,
  );
}, 120_000);

afterAll(async () => {
  await system.patina.stop();
  await receiver.stop();
});

function run(args: readonly string[], options: Parameters<typeof patina>[1] = {}) {
  return patina(args, { env, ...options });
}

test("patina databases list and show say how each database stands; one that fails is a finding", async () => {
  const { exit, out, err } = await run(["databases", "list"]);
  expect(exit, err).toBe(4);
  const [head, broken, shop] = out.split("\n");
  expect(head).toBe("database\tstanding\tpriority\tlast good\tstored\tfailures\towner\tdescription");
  expect(broken).toMatch(/^broken\tfailing\tnormal\t-\t-\t1\tregistry\t$/);
  expect(shop).toMatch(/^shop\tgood\tnormal\t\d{4}-\d\d-\d\dT[^\t]+Z\t\d+\t0\tregistry\t$/);
  const good = await run(["databases", "list", "--standing", "good", "--json"]);
  expect(good.exit).toBe(0);
  expect(JSON.parse(good.out)).toMatchObject({ databases: [{ name: "shop", standing: "good" }] });
  const one = await run(["databases", "show", "br"]);
  expect(one.out).toMatch(/^database +broken \(local\)\nstanding +failing\n/);
  expect(one.out).toMatch(/last failure +\S+ in nightly-.*: .*not a SQLite database/);
});

test("patina databases pause and resume take the beginnings of names, and say what they did", async () => {
  const paused = await run(["databases", "pause", "bro", "--reason", "it is known", "--json"]);
  expect(paused.exit, paused.err).toBe(0);
  expect(JSON.parse(paused.out)).toMatchObject({ databases: [{ name: "broken", enabled: false, standing: "paused" }] });
  expect(paused.err).toContain("broken paused: no more backups are made.");
  expect((await run(["status"])).out).not.toContain("Look at");
  const resumed = await run(["databases", "resume", "broken"]);
  expect(resumed.out).toContain("broken\tfailing");
  expect(await system.rows("select action from audit_log where subject = 'broken' order by at")).toEqual([
    { action: "database.pause" },
    { action: "database.resume" },
  ]);
});

test("patina databases add reports what stands against a database, and adds none that no exporter can reach", async () => {
  const dry = await run(["databases", "add", "wiki", "--dry-run"]);
  expect(dry).toMatchObject({ exit: 4, err: "Nothing was done: this is a dry run.\n" });
  expect(dry.out).toMatch(
    /^check\tend\tdetail\nname\tpassed\t.*\nbinding\tfailed\tno exporter had a binding "DB_WIKI"/,
  );
  const refused = await run(["databases", "add", "wiki"]);
  expect(refused).toMatchObject({ exit: 2, out: "", err: expect.stringMatching(/no exporter had a binding.*\nTry: /) });
  const taken = await run(["databases", "add", "shop"]);
  expect(taken).toMatchObject({ exit: 11, err: expect.stringContaining("a database of this name is registered") });
});

test("what the registry file describes is not changed through the API", async () => {
  const { exit, err } = await run([
    "databases",
    "change",
    "shop",
    "--priority",
    "critical",
    "--estimated-size",
    "50MB",
  ]);
  expect(err).toMatch(/the registry file describes this database\.\nTry: Change the registry file and apply it/);
  expect(exit).toBe(11);
  expect(await run(["databases", "change", "shop"])).toMatchObject({
    exit: 2,
    err: expect.stringContaining("nothing was said"),
  });
  const wrong = await run(["databases", "change", "shop", "--priority", "urgent"]);
  expect(wrong).toMatchObject({ exit: 2, err: expect.stringContaining("Allowed choices are critical, high, normal") });
});

test("patina dead-letters list and show tell of a message that was given up", async () => {
  const listed = await run(["dead-letters", "list"]);
  expect(listed.exit, listed.err).toBe(0);
  expect(listed.out).toMatch(/^letter\tage\tstate\tqueue\tdatabase\tjob\tattempts\terror\n/);
  expect(listed.out).toMatch(/\topen\tpatina-exports\tbroken\tnightly-\S+\t1\t.*not a SQLite database/);
  const [{ id }] = JSON.parse((await run(["dead-letters", "list", "--database", "broken", "--json"])).out).letters;
  const shown = await run(["dead-letters", "show", id.slice(0, 6)]);
  expect(shown.out).toContain(`letter       ${id}\n`);
  expect(shown.out).toContain('"kind": "export-requested"');
  const none = await run(["dead-letters", "list", "--queue", "patina-alerts"]);
  expect(none).toMatchObject({ exit: 0, out: "", err: "There are no dead letters.\n" });
});

test("patina dead-letters replay does it once; what is replayed already is refused; discard wants a reason", async () => {
  const [{ id }] = JSON.parse((await run(["dead-letters", "list", "--json"])).out).letters;
  const replayed = await run(["dead-letters", "replay", id, "--json"]);
  expect(replayed.exit, replayed.err).toBe(0);
  expect(JSON.parse(replayed.out)).toMatchObject({ letters: [{ id, end: "replayed", job: expect.any(String) }] });
  expect(replayed.err).toBe("1 of 1 dead letter replayed.\n");
  // It fails again, and is a letter again.
  const second = await letterAfter(id);
  const both = await run(["dead-letters", "replay", "--all", "--database", "broken", "--json"]);
  expect(JSON.parse(both.out)).toMatchObject({ letters: [{ id: second, end: "replayed" }] });
  const third = await letterAfter(second);
  const all = await run(["dead-letters", "list", "--state", "all", "--limit", "1"]);
  expect(all.err).toContain("There are more: --limit 10 looks further back.");
  expect(await run(["dead-letters", "discard", third])).toMatchObject({ exit: 2 });
  const discarded = await run(["dead-letters", "discard", third, "--reason", "the file is no database", "--json"]);
  expect(discarded.exit, discarded.err).toBe(0);
  expect(JSON.parse(discarded.out)).toMatchObject({
    letters: [{ state: "discarded", closed_by: "admin-token", reason: "the file is no database" }],
  });
  const again = await run(["dead-letters", "replay", third]);
  expect(again.exit).toBe(11);
  expect(again.out).toMatch(/\trefused\t-\t.+/);
  const nothing = await run(["dead-letters", "replay", "--all", "--database", "broken"]);
  expect(nothing).toMatchObject({ exit: 0, out: "", err: "There is nothing to replay.\n" });
  for (const args of [[], ["x", "--all"], ["x", "--database", "shop"]]) {
    const unclear = await run(["dead-letters", "replay", ...args]);
    expect(unclear).toMatchObject({
      exit: 2,
      err: expect.stringContaining("Cannot tell which dead letters are meant"),
    });
  }
});

/** The id of the one open letter, once it is another one. */
async function letterAfter(id: string): Promise<string> {
  const [letter] = await until(
    async () => await system.rows("select id from dead_letters where state = 'open'"),
    (letters) => letters.length === 1 && letters[0]?.["id"] !== id,
  );
  return String(letter?.["id"]);
}

test("patina alerts add reads the address from standard input, and nobody sees it again", async () => {
  const none = await run(["alerts", "list"]);
  expect(none).toMatchObject({ exit: 0, out: "", err: expect.stringContaining("nobody is told of anything") });
  const args = ["alerts", "add", "ops", "--kind", "webhook", "--events", "job-failed,recovered"];
  const added = await run(args, { input: `${receiver.url}\n` });
  expect(added.exit, added.err).toBe(0);
  expect(added.out).toMatch(/^ops\twebhook\ton\t127\.0\.0\.1:\d+\tjob-failed,recovered\nsigning key\twhsec_/m);
  expect(added.out + added.err).not.toContain(receiver.url);
  const tested = await run(["alerts", "test", "o"]);
  expect(tested).toMatchObject({ exit: 0, out: "ops has taken the test message.\n" });
  expect(receiver.received).toMatchObject([{ kind: "channel-test" }]);
  receiver.answers.push(404);
  const failed = await run(["alerts", "test", "ops", "--json"]);
  expect(failed.exit).toBe(4);
  expect(JSON.parse(failed.out)).toMatchObject({ channel: "ops", sent: false, reason: expect.any(String) });
});

test("patina alerts change gives a channel other events, another address, or switches it off", async () => {
  const changed = await run(["alerts", "change", "ops", "--off", "--events", "job-completed", "--json"]);
  expect(changed.exit, changed.err).toBe(0);
  expect(JSON.parse(changed.out)).toMatchObject({ channel: { enabled: false, events: ["job-completed"] } });
  const moved = await run(["alerts", "change", "ops", "--on", "--address"], { input: receiver.url });
  expect(moved.out).toMatch(/signing key\twhsec_/);
  const asked = await run(["alerts", "change", "ops", "--url", receiver.url, "--json"]);
  expect(JSON.parse(asked.out)).toMatchObject({ signing_key: expect.stringMatching(/^whsec_/) });
  const deliveries = await run(["alerts", "deliveries", "ops"]);
  expect(deliveries).toMatchObject({ exit: 0, err: "2 alerts.\n" });
  expect(deliveries.out).toMatch(/^raised\tevent\tstate\tattempts\tsent\terror\n\S+\tchannel-test:\S+\tgiven_up\t/);
});

test("on a terminal the address is typed unseen", async () => {
  const args = ["alerts", "add", "typed", "--kind", "webhook"];
  const { exit, said } = await onTerminal(args, { typed: "http://127.0.0.1:1/hush\n", at: /not shown/, env });
  expect(said).toContain("Address of the webhook (it is not shown): ");
  expect(said).not.toContain("hush");
  expect(exit, said).toBe(0);
});

test.each([
  ["nothing to read", ["--kind", "webhook"], "", 2, /Cannot read address of the webhook: nothing was given\.\nTry: /],
  ["an address it may not have", ["--kind", "discord"], "https://example.com/hush", 2, /\.\nTry: /],
  ["an event that there is not", ["--kind", "slack", "--events", "job-faled"], "x", 2, /There is no event "job-faled"/],
  ["no kind", [], "x", 2, /--kind <kind>.* not specified/],
  ["a name that is taken", ["--kind", "webhook"], "http://127.0.0.1:1/hush", 11, /Cannot add .*\.\nTry: /],
] as const)(
  "patina alerts add with %s is refused, without a word of the address",
  async (what, args, input, exit, sentence) => {
    const name = what === "a name that is taken" ? "ops" : "other";
    const ended = await run(["alerts", "add", name, ...args], { input });
    expect(ended.err).toMatch(sentence);
    expect(ended.out + ended.err).not.toContain("hush");
    expect(ended.exit).toBe(exit);
  },
);

test("patina alerts remove asks for the channel's name", async () => {
  const unasked = await run(["alerts", "remove", "ops"]);
  expect(unasked).toMatchObject({
    exit: 2,
    out: "",
    err: expect.stringMatching(/Cannot remove ops: .*\nTry: Add --yes/),
  });
  const wrong = await onTerminal(["alerts", "remove", "ops"], { typed: "opps\n", at: /Type ops/, env });
  expect(wrong.said).toContain("that is not its name, and nothing was changed");
  const removed = await run(["alerts", "remove", "ops", "--yes"]);
  expect(removed).toMatchObject({ exit: 0, out: "ops\n" });
  expect(await run(["alerts", "test", "ops"])).toMatchObject({
    exit: 10,
    err: expect.stringContaining("One of typed."),
  });
});

test("patina restore tells the channels how it ended, and a restore that nobody can be told of is one all the same", async () => {
  await run(["alerts", "remove", "typed", "--yes"]);
  const unheard = await run(["restore", "shop", "latest", "--to", join(folder, "unheard.sqlite")]);
  expect(unheard.err).toMatch(/No channel of http:\/\/127\.0\.0\.1:\d+ wants to know; its audit log has it\.\n$/);
  const added = await run(["alerts", "add", "restores", "--kind", "webhook", "--events", "restored,restore-failed"], {
    input: receiver.url,
  });
  expect(added.exit, added.err).toBe(0);
  receiver.received.length = 0;
  const to = join(folder, "restored.sqlite");
  const restored = await run(["restore", "shop", "latest", "--to", to]);
  expect(restored.exit, restored.err).toBe(0);
  expect(restored.err).toMatch(/The channels of http:\/\/127\.0\.0\.1:\d+ are told: restores\.\n$/);
  await system.patina.fire("tick", Date.now());
  await until(
    async () => receiver.received.length,
    (received) => received > 0,
  );
  expect(receiver.received).toMatchObject([
    {
      kind: "restored",
      headline: "shop was restored",
      detail: expect.stringMatching(/ to a SQLite file, by admin-token/),
    },
  ]);
  const quiet = await run(["restore", "shop", "--to", join(folder, "quiet.sqlite"), "--no-report"]);
  expect(quiet.err).not.toContain("told");
  const source = join(folder, "copy");
  await run(["download", "shop", "--to", source]);
  const env = { PATINA_URL: "http://127.0.0.1:9", PATINA_TOKEN: "x" };
  const alone = await run(["restore", "shop", "--source", source, "--to", join(folder, "alone.sqlite")], { env });
  expect(alone.exit, alone.err).toBe(0);
  expect(alone.err).toMatch(/Nobody was told: cannot reach http:\/\/127\.0\.0\.1:9/);
});
