import { PatinaError } from "@patina/core/error";
import { isJobId } from "@patina/core/job";
import { D1Form } from "@patina/dump/d1-form";
import type { BackupName } from "@patina/worker/vault";
import type { Context } from "hono";
import * as v from "valibot";
import type { Api } from "../app.ts";
import { audited } from "../audited.ts";
import { DatabaseName, Day, Flag } from "../fields.ts";
import { mediaOperation } from "../operation.ts";
import { problem } from "../problem.ts";
import { conditionOf, wantedOf } from "../range.ts";
import { type FoundBackup, findBackup, openBackup } from "../vault.ts";

const JobId = v.pipe(
  v.string(),
  v.check(isJobId, "not a job id"),
  v.description("Which one, when a date has several: by the id of its job."),
);

export const BACKUP_PATH = { date: Day, db: DatabaseName };
const Damaged = v.pipe(Flag, v.description("Whether a backup that is known to be damaged is taken, too."));

export const BACKUP_QUERY = { job: v.optional(JobId), damaged: v.optional(Damaged) };
export const BACKUP_PROBLEMS = [
  "not_found",
  "known_damaged",
  "backup_damaged",
  "manifest_invalid",
  "bucket_unavailable",
] as const;

export const download = mediaOperation({
  method: "GET",
  path: "/download/:date/:db",
  tag: "Backups",
  summary: "The backup of a database of a date",
  description:
    "The nightly one, else the newest manual one of that date, else the nightly one out of the weekly archive. One that was found to be damaged is only given with damaged=true, and says so in the header Patina-Damage. The header Patina-Job names the job that made it, Patina-From where it lies. Ranges, conditions and Repr-Digest (RFC 9110, RFC 9530) are answered for the stored .sql.gz; plain SQL is streamed whole.",
  needs: "admin",
  params: BACKUP_PATH,
  query: {
    ...BACKUP_QUERY,
    format: v.optional(
      v.pipe(v.picklist(["gz", "sql"]), v.description("The stored .sql.gz, or the SQL inside it; gz when absent.")),
    ),
    dialect: v.optional(
      v.pipe(
        v.picklist(["sqlite3", "d1"]),
        v.description("With format=sql: d1 leaves out the two transaction lines, which D1's import does not take."),
      ),
    ),
  },
  headers: [
    { name: "Range", description: "One range of bytes of the .sql.gz." },
    { name: "If-Range", description: "The ETag that the range is of." },
    { name: "If-Match", description: "The ETag of what is wanted, and nothing else instead." },
    { name: "If-None-Match", description: "The ETag of what is there already." },
  ],
  types: ["application/gzip", "application/sql"],
  also: { 206: "The range that was asked for.", 304: "What is there already is the same." },
  problems: [...BACKUP_PROBLEMS, "precondition_failed", "range_not_satisfiable", "conflict"],
  async handle(c, { params: { date, db }, query: { job, damaged, format = "gz", dialect } }) {
    if (format === "gz" && dialect !== undefined) {
      throw new PatinaError("invalid_request", 'Cannot read request: "dialect" needs "format" to be sql');
    }
    const found = await findBackup(nameOf({ date, db, job, damaged }), { vault: c.env.vault, ...c.get("context") });
    return format === "gz" ? await storedAnswer(c, found) : await sqlAnswer(c, { found, isForD1: dialect === "d1" });
  },
});

/** The backup that a path and query name. */
export function nameOf({
  date,
  db,
  job,
  damaged = false,
}: {
  date: string;
  db: string;
  job: string | undefined;
  damaged?: boolean | undefined;
}): BackupName {
  return { date, database: db, ...(job === undefined ? {} : { job }), evenDamaged: damaged };
}

async function storedAnswer(c: Context<Api>, found: FoundBackup): Promise<Response> {
  const { sha256, bytes: size } = found.manifest.object;
  // The bytes name themselves, wherever they lie: a download can go on after the backup has moved into an archive.
  const etag = `"${sha256}"`;
  const headers = headersOf(found, { etag, digest: sha256, type: "application/gzip", suffix: ".sql.gz" });
  headers.set("accept-ranges", "bytes");
  const unsent = unsentAnswer(c, { etag, headers });
  if (unsent !== null) return unsent;
  // A range is of GET alone (RFC 9110, section 14.2).
  const range = c.req.method === "HEAD" ? undefined : c.req.header("range");
  const wanted = wantedOf({ range, ifRange: c.req.header("if-range") }, { size, etag });
  if (wanted.is === "outside") {
    const error = new PatinaError("range_not_satisfiable", `Cannot send this range: the backup has ${size} bytes`);
    const answer = problem(error, c.get("request"));
    answer.headers.set("content-range", `bytes */${size}`);
    return answer;
  }
  const part = wanted.is === "part" ? wanted : { offset: 0, length: size };
  if (wanted.is === "part") {
    headers.set("content-range", `bytes ${part.offset}-${part.offset + part.length - 1}/${size}`);
  }
  const detail = { format: "gz", offset: part.offset, bytes: part.length };
  const open = async () => await openBackup(found, { vault: c.env.vault, part });
  return await send(c, { found, headers, length: part.length, status: wanted.is === "part" ? 206 : 200, detail, open });
}

async function sqlAnswer(
  c: Context<Api>,
  { found, isForD1 }: { found: FoundBackup; isForD1: boolean },
): Promise<Response> {
  const { sql, object } = found.manifest;
  const etag = isForD1 ? `"${sql.sha256}-d1"` : `"${sql.sha256}"`;
  const digest = isForD1 ? null : sql.sha256;
  const headers = headersOf(found, { etag, digest, type: "application/sql; charset=utf-8", suffix: ".sql" });
  headers.set("accept-ranges", "none");
  const unsent = unsentAnswer(c, { etag, headers });
  if (unsent !== null) return unsent;
  const form = isForD1 ? new D1Form(sql.body.end) : null;
  const open = async () => {
    const stored = await openBackup(found, { vault: c.env.vault, part: { offset: 0, length: object.bytes } });
    const plain = stored.pipeThrough(new DecompressionStream("gzip"));
    return form === null ? plain : plain.pipeThrough(rewriting(form));
  };
  const length = sql.bytes - (form?.removed ?? 0);
  return await send(c, { found, headers, length, status: 200, detail: { format: "sql", bytes: length }, open });
}

/** The answer to a request whose conditions do not hold; null when it is to get what it asks for. */
function unsentAnswer(c: Context<Api>, { etag, headers }: { etag: string; headers: Headers }): Response | null {
  const conditions = { ifMatch: c.req.header("if-match"), ifNoneMatch: c.req.header("if-none-match") };
  switch (conditionOf(conditions, etag)) {
    case "wanted":
      return null;
    case "known":
      return new Response(null, { status: 304, headers });
    case "changed": {
      const error = new PatinaError("precondition_failed", "Cannot send what If-Match names: there is another by now");
      const answer = problem(error, c.get("request"));
      answer.headers.set("etag", etag);
      return answer;
    }
  }
}

function rewriting(form: D1Form): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(bytes, controller) {
      for (const piece of form.take(bytes)) controller.enqueue(piece);
    },
  });
}

/** Sends a body of known length: one that ends too early breaks the connection instead of looking complete. */
async function send(
  c: Context<Api>,
  answer: {
    found: FoundBackup;
    headers: Headers;
    length: number;
    status: 200 | 206;
    detail: Record<string, unknown>;
    open: () => Promise<ReadableStream<Uint8Array>>;
  },
): Promise<Response> {
  const { found, headers, length, status, detail, open } = answer;
  headers.set("content-length", String(length));
  if (c.req.method === "HEAD") return new Response(null, { status, headers });
  const body = await open();
  const { object, job } = found.manifest;
  await audited(c, { action: "backup.download", subject: object.key, detail: { job, from: found.from, ...detail } });
  return new Response(body.pipeThrough(new FixedLengthStream(length)), { status, headers });
}

function headersOf(
  { from, manifest, damage }: FoundBackup,
  about: { etag: string; digest: string | null; type: string; suffix: string },
): Headers {
  const headers = new Headers({
    "content-type": about.type,
    "content-disposition": `attachment; filename="${manifest.database}-${manifest.date}${about.suffix}"`,
    "cache-control": "private, no-cache",
    etag: about.etag,
    "patina-job": manifest.job,
    "patina-from": from,
  });
  // A sentence without row data; header fields take no more than ASCII.
  if (damage !== null) headers.set("patina-damage", damage.replaceAll(/[^\x20-\x7e]/g, "?"));
  if (about.digest !== null) {
    headers.set("repr-digest", `sha-256=:${Buffer.from(about.digest, "hex").toString("base64")}:`);
  }
  return headers;
}
