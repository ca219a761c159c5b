import { decodeArchiveManifest, type Missing } from "@patina/archive/archive-index";
import { archiveKey } from "@patina/archive/keys";
import { type ListedArchive, listArchives, listMembers } from "@patina/catalog/archive-list";
import type { ArchiveMember } from "@patina/catalog/archive-members";
import { timestamp } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import { isWeek } from "@patina/core/week";
import type { Vault } from "@patina/worker/vault";
import * as v from "valibot";
import { Count, DatabaseName, Day, Sha256, Time } from "../fields.ts";
import { operation } from "../operation.ts";
import { PAGE, pageOf, pageSize, paging } from "../page.ts";
import { readObject } from "../vault.ts";

const TAG = "Backups";

const Week = v.pipe(v.string(), v.check(isWeek, "not a week"), v.description("A week as ISO 8601 counts: 2026-W47."));

const STATES = ["planning", "writing", "checking", "checked"] as const;

const Archive = v.strictObject({
  week: Week,
  job: v.string(),
  state: v.pipe(v.picklist(STATES), v.description("`checked` when every byte was read back.")),
  key: v.string(),
  is_stored: v.boolean(),
  bytes: Count,
  raw_bytes: Count,
  backups: v.pipe(Count, v.description("Daily backups in it.")),
  index_pages: Count,
  etag: v.nullable(v.string()),
  started_at: Time,
  stored_at: v.nullable(Time),
  verified_at: v.nullable(Time),
  damage: v.pipe(v.nullable(v.string()), v.description("What was found to be wrong with it.")),
});

const Member = v.strictObject({
  date: Day,
  database: DatabaseName,
  finished_at: v.nullable(Time),
  offset: v.pipe(Count, v.description("Where in the archive the stored dump begins, byte for byte as the daily was.")),
  bytes: Count,
  raw_bytes: Count,
  digest: Sha256,
  damaged_at: v.pipe(v.nullable(Time), v.description("When it was found to be damaged; null while it is good.")),
});

const Absent = v.strictObject({ date: Day, database: v.string(), reason: v.string() });

const list = operation({
  method: "GET",
  path: "/archives",
  tag: TAG,
  summary: "Weekly archives, the newest first",
  query: paging(v.strictTuple([v.string()])),
  answer: v.strictObject({ archives: v.array(Archive), ...PAGE }),
  async handle(c, { query: { limit: asked, cursor } }) {
    const { limit, read } = pageSize(asked);
    const found = await listArchives(c.get("context").catalog, { limit: read, before: cursor?.[0] });
    const page = pageOf(found, { limit, placeOf: (last) => [last.week] });
    return { archives: page.entries.map(archiveView), next_cursor: page.next_cursor };
  },
});

const one = operation({
  method: "GET",
  path: "/archives/:week",
  tag: TAG,
  summary: "One weekly archive: which backups it holds and where, and which it lacks",
  params: { week: Week },
  query: { database: v.optional(DatabaseName), ...paging(v.strictTuple([v.string(), v.string()])) },
  answer: v.strictObject({
    archive: Archive,
    missing: v.pipe(
      v.nullable(v.array(Absent)),
      v.description("Backups of the week that are not in it; null as long as it is not finished."),
    ),
    members: v.array(Member),
    ...PAGE,
  }),
  problems: ["not_found", "manifest_invalid", "bucket_unavailable"],
  async handle(c, { params: { week }, query: { database, limit: asked, cursor } }) {
    const { catalog } = c.get("context");
    const [archive] = await listArchives(catalog, { limit: 1, week });
    if (archive === undefined) throw new PatinaError("not_found", "Cannot find an archive of this week");
    const { limit, read } = pageSize(asked);
    const after = cursor === undefined ? undefined : { date: cursor[0], database: cursor[1] };
    const found = await listMembers(catalog, { week, database, after, limit: read });
    const page = pageOf(found, { limit, placeOf: (last) => [last.date, last.database] });
    const missing = await missingOf(week, c.env.vault);
    return {
      archive: archiveView(archive),
      missing: missing?.filter((one) => database === undefined || one.database === database) ?? null,
      members: page.entries.map(memberView),
      next_cursor: page.next_cursor,
    };
  },
});

async function missingOf(week: string, vault: Vault): Promise<Missing[] | null> {
  const text = await readObject(archiveKey({ is: "manifest", week }), vault);
  return text === null ? null : decodeArchiveManifest(text).missing;
}

function archiveView(archive: ListedArchive): v.InferOutput<typeof Archive> {
  const { week, job, state, bytes, rawBytes, backups, pages, etag, startedAt, storedAt, verifiedAt, damage } = archive;
  return {
    week,
    job,
    state,
    key: archiveKey({ is: "archive", week }),
    is_stored: storedAt !== null,
    bytes,
    raw_bytes: rawBytes,
    backups,
    index_pages: pages,
    etag,
    started_at: timestamp(startedAt),
    stored_at: storedAt === null ? null : timestamp(storedAt),
    verified_at: verifiedAt === null ? null : timestamp(verifiedAt),
    damage,
  };
}

function memberView(member: ArchiveMember): v.InferOutput<typeof Member> {
  const { date, database, offset, bytes, rawBytes, digest } = member;
  const time = (at: number | null) => (at === null ? null : timestamp(at));
  const [finished_at, damaged_at] = [time(member.finishedAt), time(member.damagedAt)];
  return { date, database, finished_at, offset, bytes, raw_bytes: rawBytes, digest, damaged_at };
}

export const archives = [list, one];
