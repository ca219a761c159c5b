import { Manifest } from "@patina/archive/manifest";
import { PatinaError } from "@patina/core/error";
import { isDatabaseName } from "@patina/core/job";
import * as v from "valibot";
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
type Listed = v.InferOutput<typeof Listed>;

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

  async *find({ database, since, until }: BackupFilter): AsyncGenerator<Backup> {
    if (database !== undefined && !isDatabaseName(database)) return;
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (database !== undefined) query.set("database", database);
    if (since !== undefined) query.set("from", since);
    if (until !== undefined) query.set("to", until);
    let hasDaily = false;
    for await (const one of inOrder(this.#api.pages(`/list?${query}`, Page))) {
      hasDaily ||= one.kind === "daily";
      yield this.#backup(one);
    }
    // The list has what lies there as an object of its own. A date may be in the archive of its week, and nowhere else.
    if (database === undefined || since === undefined || since !== until || hasDaily) return;
    const archived = await this.#archived({ database, date: since });
    if (archived !== null) yield archived;
  }

  async databases(): Promise<string[]> {
    return (await databasesOf(this.#api)).map(({ name }) => name);
  }

  /** What the API finds for a date when its nightly is in no list: null unless it comes out of an archive. */
  async #archived({ database, date }: { database: string; date: string }): Promise<Backup | null> {
    const manifest = await this.#api.find(`/manifest/${date}/${database}`, Manifest);
    if (manifest === null || manifest.kind !== "daily") return null;
    return this.#backup({ database, date, kind: "daily", job: manifest.job, verified_at: null, drilled_at: null });
  }

  #backup({ database, date, kind, job, verified_at, drilled_at }: Listed): Backup {
    const id = `${database}@${kind === "daily" ? date : job}`;
    const where = `${date}/${database}?job=${job}`;
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

/** Entries of pages, of which those of one database and date come as find() wants them: newer manual ones first. */
async function* inOrder(pages: AsyncIterable<{ readonly backups: readonly Listed[] }>): AsyncGenerator<Listed> {
  let group: Listed[] = [];
  const isSame = (one: Listed) => one.database === group[0]?.database && one.date === group[0]?.date;
  for await (const { backups } of pages) {
    for (const one of backups) {
      if (!isSame(one)) {
        yield* newestFirst(group);
        group = [];
      }
      group.push(one);
    }
  }
  yield* newestFirst(group);
}

function newestFirst(group: readonly Listed[]): Listed[] {
  const daily = group.filter(({ kind }) => kind === "daily");
  return [...daily, ...group.filter(({ kind }) => kind === "manual").toSorted((a, b) => (a.job < b.job ? 1 : -1))];
}
