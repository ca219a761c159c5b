import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { listAudit } from "@patina/catalog/audit";
import { beforeEach, expect, test } from "vitest";
import { type StoredBackup, storeBackup } from "./stored-backup.ts";
import { jsonOf, READ_TOKEN, TestApi } from "./testing.ts";

const ROWS = Array.from({ length: 500 }, (_, i) => `note ${i}`);
const PATH = "/download/2026-11-20/shop";

let api: TestApi;
let nightly: StoredBackup;

beforeEach(async () => {
  api = await TestApi.start();
  const ref = { kind: "daily", date: "2026-11-20", database: "shop" } as const;
  nightly = await storeBackup(api, { ref, job: "nightly-2026-11-20", rows: ROWS, createdAt: 1_000 });
});

async function bytesOf(answer: Response): Promise<Buffer> {
  return Buffer.from(await answer.arrayBuffer());
}

test("a download is the stored object byte for byte, and its headers prove it", async () => {
  const answer = await api.ask(PATH);
  expect(answer.status).toBe(200);
  const bytes = await bytesOf(answer);
  expect(bytes.equals(nightly.stored)).toBe(true);
  const digest = createHash("sha256").update(bytes);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "application/gzip",
    "content-length": String(nightly.stored.length),
    "content-disposition": 'attachment; filename="shop-2026-11-20.sql.gz"',
    "accept-ranges": "bytes",
    etag: `"${nightly.manifest.object.sha256}"`,
    "repr-digest": `sha-256=:${digest.digest("base64")}:`,
    "patina-job": "nightly-2026-11-20",
    "cache-control": "private, no-cache",
  });
  expect(answer.headers.get("content-encoding")).toBeNull();
});

test("ranges put together are the object, and each says which bytes it is", async () => {
  const size = nightly.stored.length;
  const middle = Math.floor(size / 2);
  const first = await api.ask(PATH, { headers: { range: `bytes=0-${middle - 1}` } });
  const rest = await api.ask(PATH, { headers: { range: `bytes=${middle}-` } });
  expect([first.status, rest.status]).toEqual([206, 206]);
  expect(rest.headers.get("content-range")).toBe(`bytes ${middle}-${size - 1}/${size}`);
  expect(Buffer.concat([await bytesOf(first), await bytesOf(rest)]).equals(nightly.stored)).toBe(true);
  const tail = await api.ask(PATH, { headers: { range: "bytes=-8" } });
  expect((await bytesOf(tail)).equals(nightly.stored.subarray(-8))).toBe(true);
});

test("HEAD says what GET without a range would send: ranges are of GET alone", async () => {
  const headers = { range: "bytes=0-9" };
  const answer = await api.ask(PATH, { method: "HEAD", headers });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-length")).toBe(String(nightly.stored.length));
  expect(answer.headers.get("content-range")).toBeNull();
});

test("a range behind the end gives 416 and says how long the object is", async () => {
  const answer = await api.ask(PATH, { headers: { range: "bytes=5000000-" } });
  expect(answer.status).toBe(416);
  expect(answer.headers.get("content-range")).toBe(`bytes */${nightly.stored.length}`);
  expect(await jsonOf(answer)).toMatchObject({ code: "range_not_satisfiable" });
});

test("what the client has already is not sent again, and a range of something else gets the whole", async () => {
  const etag = `"${nightly.manifest.object.sha256}"`;
  const known = await api.ask(PATH, { headers: { "if-none-match": etag } });
  expect(known.status).toBe(304);
  expect(known.headers.get("etag")).toBe(etag);
  expect(await known.text()).toBe("");
  const other = await api.ask(PATH, { headers: { range: "bytes=0-9", "if-range": '"other"' } });
  expect(other.status).toBe(200);
  expect((await bytesOf(other)).length).toBe(nightly.stored.length);
  expect(await listAudit(api.catalog, { limit: 10 })).toHaveLength(1);
});

test("whoever names what a backup was gets nothing of another, of its SQL neither, and nothing is opened", async () => {
  const etag = `"${nightly.manifest.object.sha256}"`;
  const sqlTag = `"${nightly.manifest.sql.sha256}"`;
  const asked = async (path: string, headers: Record<string, string>, method = "GET") =>
    await api.ask(path, { method, headers });
  for (const [path, tag] of [
    [PATH, etag],
    [`${PATH}?format=sql`, sqlTag],
  ] as const) {
    const changed = await asked(path, { "if-match": '"other"', range: "bytes=0-9" });
    expect([changed.status, changed.headers.get("etag")]).toEqual([412, tag]);
    expect(await jsonOf(changed)).toMatchObject({ code: "precondition_failed" });
    expect((await asked(path, { "if-match": '"other"' }, "HEAD")).status).toBe(412);
    expect((await asked(path, { "if-match": tag }, "HEAD")).status).toBe(200);
    expect((await asked(path, { "if-match": tag, "if-none-match": tag })).status).toBe(304);
  }
  expect(api.vault.opened).toEqual([]);
  expect((await asked(PATH, { "if-match": etag, range: "bytes=0-9" })).status).toBe(206);
  expect((await asked("/download/2026-11-20/none", { "if-match": "*" })).status).toBe(404);
});

test("a condition by date is passed over, since which backup of a date is given does not go by age", async () => {
  for (const [header, at] of [
    ["if-modified-since", "Fri, 20 Nov 2099 03:00:00 GMT"],
    ["if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT"],
  ] as const) {
    const answer = await api.ask(PATH, { headers: { [header]: at } });
    expect([answer.status, answer.headers.get("last-modified")], header).toEqual([200, null]);
  }
});

test("HEAD says what GET would send, and opens nothing", async () => {
  const answer = await api.ask(PATH, { method: "HEAD" });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-length")).toBe(String(nightly.stored.length));
  expect(api.vault.opened).toEqual([]);
  expect(await listAudit(api.catalog, { limit: 10 })).toEqual([]);
});

test("format=sql is the SQL inside, whole, whatever range is asked for", async () => {
  const answer = await api.ask(`${PATH}?format=sql`, { headers: { range: "bytes=0-9" } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("accept-ranges")).toBe("none");
  expect(answer.headers.get("content-disposition")).toBe('attachment; filename="shop-2026-11-20.sql"');
  const sql = await bytesOf(answer);
  expect(sql.equals(gunzipSync(nightly.stored))).toBe(true);
  const digest = createHash("sha256").update(sql).digest("base64");
  expect(answer.headers.get("repr-digest")).toBe(`sha-256=:${digest}:`);
});

test("dialect=d1 leaves out the two transaction lines and nothing else", async () => {
  const answer = await api.ask(`${PATH}?format=sql&dialect=d1`);
  const lines = nightly.sql.split("\n").filter((line) => line !== "BEGIN TRANSACTION;" && line !== "COMMIT;");
  const sql = (await bytesOf(answer)).toString();
  expect(sql).toBe(lines.join("\n"));
  expect(answer.headers.get("content-length")).toBe(String(sql.length));
  expect((await api.ask(`${PATH}?dialect=d1`)).status).toBe(400);
});

test("job= picks one of several, and the answer names the job and where the backup lies", async () => {
  const job = "manual-20261120-080000-aaaaaa";
  const ref = { kind: "manual", date: "2026-11-20", database: "shop", job } as const;
  await storeBackup(api, { ref, job, rows: ["a"], createdAt: 2_000 });
  const named = async (query: string) => {
    const { headers } = await api.ask(PATH + query);
    return [headers.get("patina-job"), headers.get("patina-from")];
  };
  expect(await named("")).toEqual(["nightly-2026-11-20", "daily"]);
  expect(await named(`?job=${job}`)).toEqual([job, "manual"]);
  expect((await api.ask(`${PATH}?job=nightly-2026-11-19`)).status).toBe(404);
  api.vault.backups[0] = { ...nightly, from: "weekly" };
  expect(await named("")).toEqual(["nightly-2026-11-20", "weekly"]);
});

test("who downloads what is written down, and the read token may not", async () => {
  await api.ask(PATH, { headers: { range: "bytes=0-9" } });
  expect(await listAudit(api.catalog, { limit: 10 })).toMatchObject([
    {
      actor: "admin-token",
      action: "backup.download",
      subject: "daily/2026-11-20/shop.sql.gz",
      detail: { job: "nightly-2026-11-20", from: "daily", format: "gz", offset: 0, bytes: 10 },
    },
  ]);
  expect((await api.ask(PATH, { token: READ_TOKEN })).status).toBe(403);
  expect((await api.ask("/manifest/2026-11-20/shop", { token: READ_TOKEN })).status).toBe(403);
});

test("the manifest is given as it is stored", async () => {
  expect(await api.json("/manifest/2026-11-20/shop")).toEqual(nightly.manifest);
});

test.each([
  ["/download/2026-11-20/none", 404],
  ["/download/2026-11-19/shop", 404],
  ["/download/2026-02-30/shop", 400],
  ["/download/0000-00-00/shop", 400],
  ["/download/99999-01-01/shop", 400],
  ["/download/2026-11-20T00:00:00Z/shop", 400],
  ["/download/20261120/shop", 400],
  ["/download/2026-11-20/..%2f..%2fcatalog", 400],
  ["/download/2026-11-20/%2e%2e", 404],
  ["/download/2026-11-20/shop%00", 400],
  ["/download/2026-11-20/shop%0d%0aset-cookie:%20a=b", 400],
  ["/download/2026-11-20/SHOP", 400],
  ["/download/2026-11-20/%E0%A4%A", 400],
  ["/download/2026-11-20/", 404],
  ["/download/2026-11-20/shop?job=none", 400],
  ["/download/2026-11-20/shop?format=tar", 400],
])("%s gives %i and opens nothing", async (path, status) => {
  for (const where of [path, path.replace("/download", "/manifest")]) {
    if (where.includes("format")) continue;
    const answer = await api.ask(where);
    expect(answer.status, where).toBe(status);
    expect(answer.headers.get("set-cookie")).toBeNull();
  }
  expect(api.vault.opened).toEqual([]);
});

test("a backup that should be there and is not gives 502 and names its key", async () => {
  api.vault.backups.length = 0;
  const gone = await api.ask(PATH);
  expect(gone.status).toBe(502);
  expect(await jsonOf(gone)).toMatchObject({
    code: "backup_damaged",
    detail: expect.stringContaining("daily/2026-11-20/shop.sql.gz"),
  });
});

test("a manifest that nobody can read gives 502 and says where it is wrong", async () => {
  api.vault.findBackup = async () => ({ end: "unreadable", reason: "Cannot read manifest: wrong at /rows" });
  expect(await jsonOf(await api.ask(PATH))).toMatchObject({ status: 502, code: "manifest_invalid" });
});

test("a backup that is replaced between looking and opening gives 409", async () => {
  api.vault.openBackup = async () => ({ end: "changed" });
  expect(await jsonOf(await api.ask(PATH))).toMatchObject({ status: 409, code: "conflict" });
});

test("an archiver that does not answer gives 502 without what it said", async () => {
  api.vault.openBackup = () => Promise.reject(new Error("S3CRET"));
  const answer = await api.ask(PATH);
  expect(answer.status).toBe(502);
  expect(await answer.text()).not.toContain("S3CRET");
  expect(api.log.join()).not.toContain("S3CRET");
});

test("a body that ends too early breaks off instead of looking complete", async () => {
  const { openBackup } = api.vault;
  api.vault.openBackup = async (...asked) => {
    const answer = await openBackup.apply(api.vault, asked);
    return answer.end === "opened" ? { ...answer, body: new Blob([new Uint8Array(5)]).stream() } : answer;
  };
  await expect(api.ask(PATH).then((answer) => answer.arrayBuffer())).rejects.toThrow();
});
