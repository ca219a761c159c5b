import { Manifest } from "@patina/archive/manifest";
import { PatinaError } from "@patina/core/error";
import { isDatabaseName } from "@patina/core/job";
import { datesOf } from "@patina/core/week";
import * as v from "valibot";
import { apiArchives, archiveContent } from "../api/archives.ts";
import type { ApiClient } from "../api/client.ts";
import { databasesOf } from "../api/databases.ts";
import { SentBytes } from "../api/sent-bytes.ts";
import type { Backup, BackupFilter, BackupSource } from "./backup.ts";

const Listed = v.object({
  database: v.string(),
  date: v.string(),
  kind: v.picklist(["daily", "manual"]),
  job: v.string(),
  verified_at: v.nullable(v.string()),
  drilled_at: v.nullable(v.string()),
});

/** What the API says of a backup; one that lies in an archive alone is known by its date. */
type Listed = Omit<v.InferOutput<typeof Listed>, "job"> & { readonly job: string | null };

const Page = v.object({ backups: v.array(Listed), next_cursor: v.nullable(v.string()) });

/** Most that the API lists at once. */
const PAGE = 100;

/** The backups that a running Patina has, read through its API. */
export class ApiBackups implements BackupSource {
  readonly label: string;
  readonly #api: ApiClient;

  constructor(api: ApiClient) {
    this.#api = api;
    this.label = api.url;
  }

  async *find({ database, since = "", until = "9" }: BackupFilter): AsyncGenerator<Backup> {
    if (database !== undefined && !isDatabaseName(database)) return;
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (database !== undefined) query.set("database", database);
    if (since !== "") query.set("from", since);
    if (until !== "9") query.set("to", until);
    const listed = byDate(this.#api.pages(`/list?${query}`, Page));
    const archived = this.#archived({ database, since, until });
    for await (const entries of merged(listed, archived)) {
      for (const entry of entries) yield this.#backup(entry);
    }
  }

  async databases(): Promise<string[]> {
    return (await databasesOf(this.#api)).map(({ name }) => name);
  }

  /** The backups of one week's archive. */
  async *week(week: string, { database, since = "", until = "9" }: BackupFilter): AsyncGenerator<Backup> {
    const { members } = await archiveContent(this.#api, { week, database });
    for (const member of members) {
      if (member.date >= since && member.date <= until) yield this.#backup(archivedOf(member));
    }
  }

  /** What archives hold, date by date from the newest on; what is in a week is asked for when its turn comes. */
  async *#archived({ database, since, until }: Span): AsyncGenerator<Day> {
    const archives = await apiArchives(this.#api);
    if (archives === null && database !== undefined && since === until) {
      yield { date: since, entries: async () => await this.#servedAs({ database, date: since }) };
    }
    for (const { week } of archives ?? []) {
      let content: ReturnType<typeof archiveContent> | null = null;
      for (const date of datesOf(week).toReversed()) {
        if (date < since || date > until) continue;
        const entries = async () => {
          content ??= archiveContent(this.#api, { week, database });
          return (await content).members.filter((member) => member.date === date).map(archivedOf);
        };
        yield { date, entries };
      }
    }
  }

  /** Of a deployment that does not list its archives: what it serves for a date, if that is a nightly. */
  async #servedAs(wanted: { database: string; date: string }): Promise<Listed[]> {
    const manifest = await this.#api.find(`/manifest/${wanted.date}/${wanted.database}`, Manifest);
    return manifest?.kind === "daily" ? [archivedOf(wanted)] : [];
  }

  #backup({ database, date, kind, job, verified_at, drilled_at }: Listed): Backup {
    const id = `${database}@${kind === "daily" ? date : job}`;
    const where = `${date}/${database}${job === null ? "" : `?job=${job}`}`;
    let read: Promise<Manifest> | null = null;
    const manifest = async () => {
      read ??= this.#api.get(`/manifest/${where}`, Manifest);
      return await read;
    };
    const object = async () => (await manifest()).object;
    return {
      id,
      database,
      date,
      stored: new SentBytes(this.#api, { path: `/download/${where}`, id, object }),
      custody: { verifiedAt: verified_at, drilledAt: drilled_at },
      // The API gives no manifest whose object is not there as it was written.
      size: async () => await whole(object()),
      manifest,
    };
  }
}

function archivedOf({ date, database }: { date: string; database: string }): Listed {
  return { database, date, kind: "daily", job: null, verified_at: null, drilled_at: null };
}

async function whole(object: Promise<{ bytes: number }>): Promise<number | null> {
  try {
    return (await object).bytes;
  } catch (error) {
    if (error instanceof PatinaError && ABSENT.has(error.code)) return null;
    throw error;
  }
}

/** What the API says of a backup that it does not have as it should be. */
const ABSENT: ReadonlySet<string> = new Set(["not_found", "backup_damaged", "manifest_invalid"]);

interface Span {
  readonly database: string | undefined;
  readonly since: string;
  readonly until: string;
}

interface Day {
  readonly date: string;
  readonly entries: () => Promise<readonly Listed[]>;
}

/** The entries of one date after the other, as find() wants them: nightlies first, newer manual ones before older. */
async function* byDate(pages: AsyncIterable<{ readonly backups: readonly Listed[] }>): AsyncGenerator<Day> {
  let group: Listed[] = [];
  for await (const { backups } of pages) {
    for (const entry of backups) {
      if (group[0] !== undefined && group[0].date !== entry.date) {
        yield dayOf(group);
        group = [];
      }
      group.push(entry);
    }
  }
  if (group.length > 0) yield dayOf(group);
}

function dayOf(group: readonly Listed[]): Day {
  return { date: group[0]?.date ?? "", entries: async () => group.toSorted(inOrder) };
}

function inOrder(one: Listed, other: Listed): number {
  if (one.kind !== other.kind) return one.kind === "daily" ? -1 : 1;
  if (one.kind === "manual" && one.job !== other.job) return (one.job ?? "") < (other.job ?? "") ? 1 : -1;
  return one.database < other.database ? -1 : 1;
}

/** Two lists of days as one, the newest date first; what is listed is not looked for in an archive. */
async function* merged(listed: AsyncGenerator<Day>, archived: AsyncGenerator<Day>): AsyncGenerator<readonly Listed[]> {
  let [one, other] = [await next(listed), await next(archived)];
  while (one !== END || other !== END) {
    const [own, rest] = [one.date >= other.date ? one : END, other.date >= one.date ? other : END];
    const entries = await own.entries();
    yield entries;
    // Whoever has found what was wanted asks for no more, and no archive is looked into.
    const dailies = new Set(entries.filter(({ kind }) => kind === "daily").map(({ database }) => database));
    yield (await rest.entries()).filter(({ database }) => !dailies.has(database));
    if (own === one) one = await next(listed);
    if (rest === other) other = await next(archived);
  }
}

/** Behind the last day: before any date. */
const END: Day = { date: "", entries: async () => [] };

async function next(days: AsyncGenerator<Day>): Promise<Day> {
  const { done, value } = await days.next();
  return done ? END : value;
}
