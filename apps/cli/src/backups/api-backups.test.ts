import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ApiClient } from "../api/client.ts";
import { ApiBackups } from "./api-backups.ts";
import type { BackupFilter } from "./backup.ts";

/** Which backups there are, when some lie as objects of their own and some in archives. */

const answers = new Map<string, unknown>();
const asked: string[] = [];
let server: Server;
let source: ApiBackups;

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const answer = answers.get(path);
    const problem = { detail: "Cannot find this route", code: "not_found", next: "" };
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? problem));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  source = new ApiBackups(new ApiClient({ url, credentials: {} }));
});

afterAll(() => server.close());

beforeEach(() => {
  answers.clear();
  asked.length = 0;
});

function entry(database: string, date: string, job = `nightly-${date}`) {
  const kind = job.startsWith("nightly") ? "daily" : "manual";
  return { database, date, kind, job, verified_at: null, drilled_at: null };
}

function archive(week: string) {
  return { week, is_stored: true, backups: 1, bytes: 1, raw_bytes: 1, verified_at: null };
}

async function ids(filter: BackupFilter, limit = 100): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of source.find(filter)) if (found.push(id) === limit) break;
  return found;
}

const LATER = "manual-20261120-150000-bbbbbb";
const EARLIER = "manual-20261120-010000-aaaaaa";

test("pages become one list, the newest date first; of a date nightlies first, and newer manual ones before older", async () => {
  answers.set("/list?limit=100", {
    backups: [entry("shop", "2026-11-20", EARLIER), entry("shop", "2026-11-20", LATER)],
    next_cursor: "a b",
  });
  const rest = [entry("shop", "2026-11-20"), entry("blog", "2026-11-19")];
  answers.set("/list?limit=100&cursor=a%20b", { backups: rest, next_cursor: null });
  answers.set("/archives?limit=100", { archives: [], next_cursor: null });
  expect(await ids({})).toEqual(["shop@2026-11-20", `shop@${LATER}`, `shop@${EARLIER}`, "blog@2026-11-19"]);
});

test("what is only in an archive stands at its date, and what is listed is not there twice", async () => {
  const listed = [entry("shop", "2026-11-20"), entry("shop", "2026-11-10", "manual-20261110-010000-aaaaaa")];
  answers.set("/list?limit=100&database=shop", { backups: listed, next_cursor: null });
  answers.set("/archives?limit=100", { archives: [archive("2026-W47"), archive("2026-W46")], next_cursor: null });
  const members = (...dates: string[]) => ({
    missing: [],
    members: dates.map((date) => ({ date, database: "shop" })),
    next_cursor: null,
  });
  answers.set("/archives/2026-W47?limit=100&database=shop", members("2026-11-19", "2026-11-20"));
  answers.set("/archives/2026-W46?limit=100&database=shop", members("2026-11-10"));
  expect(await ids({ database: "shop" })).toEqual([
    "shop@2026-11-20",
    "shop@2026-11-19",
    "shop@manual-20261110-010000-aaaaaa",
    "shop@2026-11-10",
  ]);
});

test("no archive is looked into before its dates are reached, and none outside of what is asked for", async () => {
  answers.set("/list?limit=100", { backups: [entry("shop", "2026-11-20")], next_cursor: null });
  answers.set("/archives?limit=100", { archives: [archive("2026-W46")], next_cursor: null });
  expect(await ids({}, 1)).toEqual(["shop@2026-11-20"]);
  answers.set("/list?limit=100&from=2026-11-18&to=2026-11-21", { backups: [], next_cursor: null });
  expect(await ids({ since: "2026-11-18", until: "2026-11-21" })).toEqual([]);
  expect(asked.filter((path) => path.startsWith("/archives/"))).toEqual([]);
});

test("a name that no database can have is not asked for", async () => {
  expect(await ids({ database: "../etc" })).toEqual([]);
  expect(asked).toEqual([]);
});
