import type { Manifest } from "@patina/archive/manifest";
import type { Backup } from "@patina/catalog/backups";
import { DAY, MINUTE, timestamp } from "@patina/core/date";
import { amount, bytes, count, moment } from "@patina/core/wording";
import { quoteName } from "@patina/dump/name";
import { type Block, code, heading, table, text } from "./block.ts";

/** Everything that the guide is filled in with. */
export interface GuideFacts {
  readonly database: { readonly name: string; readonly d1Id: string | null; readonly description: string };
  /** Where this API is, without a slash at the end. */
  readonly origin: string;
  readonly now: number;
  /** The newest backups; the first may be another than the one that the guide is about. */
  readonly backups: readonly Backup[];
  readonly chosen: {
    readonly manifest: Manifest;
    /** What is known to be wrong with it; null when nothing is. */
    readonly damage: string | null;
    readonly verifiedAt: number | null;
    readonly drilledAt: number | null;
  };
}

/** How far back D1's Time Travel reaches on the paid plan (developers.cloudflare.com/d1/reference/time-travel). */
const TIME_TRAVEL = 30 * DAY;

/** D1 refuses to import a larger file (developers.cloudflare.com/d1/best-practices/import-export-data). */
const MAX_IMPORT = 5_000_000_000;

/** Tables that the guide names one by one. */
const MAX_TABLES = 50;

/** How to get a database back, with its own names, dates, sizes, row counts and commands. */
export function restoreGuide(facts: GuideFacts): Block[] {
  return [
    ...opening(facts),
    ...timeTravel(facts),
    ...fetching(facts),
    ...restoringAll(facts),
    ...restoringOneTable(facts),
    ...checking(facts),
  ];
}

/** The guide of a database that has no backup. */
export function emptyGuide({ database, origin, now }: Pick<GuideFacts, "database" | "origin" | "now">): Block[] {
  return [
    heading(1, `Restore ${database.name}`),
    text("There is no backup of this database yet. Start one:"),
    code("sh", [
      `curl -fsS -X POST -H "Authorization: Bearer $ADMIN_TOKEN" --json '{"database":"${database.name}"}' ${origin}/trigger`,
    ]),
    text("If the database still exists, D1's Time Travel reaches back to an earlier minute of it:"),
    ...timeTravelCommands(database.name, timestamp(now - 60 * MINUTE)),
  ];
}

function opening({ database, now, backups, chosen, origin }: GuideFacts): Block[] {
  const { manifest } = chosen;
  const facts = `${amount(manifest.rows, "row")} in ${amount(manifest.tables.length, "table")}, ${bytes(manifest.object.bytes)} stored, ${bytes(manifest.sql.bytes)} of SQL`;
  const proof = [
    chosen.verifiedAt === null
      ? "its stored bytes have not been verified since"
      : `verified ${moment(chosen.verifiedAt)}`,
    chosen.drilledAt === null
      ? "it has not been restored in a drill"
      : `restored in a drill ${moment(chosen.drilledAt)}`,
  ].join("; ");
  return [
    heading(1, `Restore ${database.name}`),
    ...(database.description === "" ? [] : [text(database.description)]),
    ...(chosen.damage === null
      ? []
      : [
          text(
            `This backup is damaged, and what these steps restore from it may be wrong or stop half-way. ${chosen.damage}.`,
          ),
        ]),
    text(
      `As of ${moment(now)}. This guide is about the backup of ${manifest.date}, made by ${manifest.job}: ${facts}.`,
    ),
    text(`Its consistency is ${manifest.consistency} (${MEANING[manifest.consistency]}); ${proof}.`),
    ...manifest.warnings.map((warning) => text(`It does not carry everything: ${warning}.`)),
    table(
      ["Date", "Job", "Rows", "Stored", "Consistency", "Verified", "Drilled"],
      backups.map((backup) => [
        backup.date,
        backup.job,
        backup.rows === null ? "?" : count(backup.rows),
        bytes(backup.storedBytes),
        backup.consistency ?? "?",
        backup.damage !== null
          ? "damaged"
          : backup.verifiedAt === null
            ? "no"
            : timestamp(backup.verifiedAt).slice(0, 10),
        backup.drilledAt === null ? "no" : timestamp(backup.drilledAt).slice(0, 10),
      ]),
    ),
    text(`For another date: ${origin}/restore-guide/${database.name}?date=YYYY-MM-DD`),
  ];
}

const MEANING = {
  snapshot: "all of it is of one instant",
  stable: "it provably did not change while it was read",
  fuzzy: "it changed while it was read: rows may be of different moments",
};

function timeTravel({ database, now, chosen }: GuideFacts): Block[] {
  const made = Date.parse(chosen.manifest.startedAt);
  const reaches = now - made < TIME_TRAVEL;
  const at = timestamp(Math.floor((reaches ? made : now - 60 * MINUTE) / 1_000) * 1_000).replace(".000Z", "Z");
  return [
    heading(2, "1. Does the database still exist? Time Travel first"),
    text(
      `If ${database.name} still exists and only its data is wrong, D1 itself goes back to any minute of the last 30 days (7 on the free plan), which is to ${moment(now - TIME_TRAVEL)} at the earliest, and loses nothing that was written before that minute. ${reaches ? "It still reaches the moment of this backup." : "It no longer reaches the moment of this backup."}`,
    ),
    ...timeTravelCommands(database.name, at),
    text(
      "Put in the last minute at which all was well. The database is overwritten in place, and every database that was deleted or is older needs the steps below. The command prints a bookmark: with it the restore is undone.",
    ),
    ...(database.d1Id === null ? [] : [text(`At Cloudflare the database has the id ${database.d1Id}.`)]),
  ];
}

function timeTravelCommands(name: string, at: string): Block[] {
  return [
    code("sh", [
      `npx wrangler d1 time-travel info ${name} --timestamp=${at}`,
      `npx wrangler d1 time-travel restore ${name} --timestamp=${at}`,
    ]),
  ];
}

function fetching({ database, origin, chosen }: GuideFacts): Block[] {
  const { manifest } = chosen;
  const file = fileOf(manifest);
  return [
    heading(2, "2. Get the backup, and prove that it is whole"),
    code("sh", [
      `curl -fL -C - -H "Authorization: Bearer $ADMIN_TOKEN" -o ${file} \\`,
      `  '${origin}/download/${manifest.date}/${database.name}?job=${manifest.job}${chosen.damage === null ? "" : "&damaged=true"}'`,
      `echo '${manifest.object.sha256}  ${file}' | sha256sum -c`,
    ]),
    text(`${count(manifest.object.bytes)} bytes. A download that broke off goes on where it stopped.`),
  ];
}

function restoringAll({ database, chosen }: GuideFacts): Block[] {
  const { manifest } = chosen;
  const file = fileOf(manifest);
  const name = `${database.name}-restored`;
  const isTooLarge = manifest.sql.bytes > MAX_IMPORT;
  return [
    heading(2, "3. Restore all of it"),
    text("Into a SQLite file, with sqlite3 3.40 or newer:"),
    code("sh", [`gunzip -c ${file} | sqlite3 -bail ${name}.sqlite`]),
    text("Into a new D1 database; the old one is left as it is:"),
    ...(isTooLarge
      ? [
          text(
            `D1 imports files of up to ${bytes(MAX_IMPORT)}, and this one has ${bytes(manifest.sql.bytes)}: it has to go in table by table.`,
          ),
        ]
      : []),
    code("sh", [
      `npx wrangler d1 create ${name}`,
      `gunzip -c ${file} | sed '2d;/^COMMIT.$/d' > ${name}.sql`,
      `npx wrangler d1 execute ${name} --remote --file ${name}.sql`,
    ]),
    text("Then put the new database's id into the wrangler configuration of what uses it, and deploy that."),
  ];
}

function restoringOneTable({ database, chosen }: GuideFacts): Block[] {
  const { manifest } = chosen;
  const largest = [...manifest.tables].sort((a, b) => b.rows - a.rows).find(({ name }) => /^\w+$/.test(name));
  if (largest === undefined) return [];
  const { name: one } = largest;
  const file = `${database.name}-restored.sqlite`;
  const beside = `${one}_restored`;
  return [
    heading(2, "4. Restore one table"),
    text(
      `Restore into a SQLite file as above and bring the table in beside the one that is there; here ${one}, with ${amount(largest.rows, "row")}:`,
    ),
    code("sh", [
      `sqlite3 ${file} 'CREATE TABLE ${beside} AS SELECT * FROM ${one}' '.dump ${beside}' \\`,
      `  | grep -vxE 'BEGIN TRANSACTION;|COMMIT;' > ${beside}.sql`,
      `npx wrangler d1 execute ${database.name} --remote --file ${beside}.sql`,
    ]),
    text("Nothing of yours has changed yet. Compare, take back what is missing, and drop the copy:"),
    code("sql", [
      `SELECT count(*) FROM ${one};`,
      `SELECT count(*) FROM ${beside};`,
      `INSERT OR IGNORE INTO ${one} SELECT * FROM ${beside};`,
      `DROP TABLE ${beside};`,
    ]),
    text("A table with generated columns needs its other columns named in the INSERT."),
  ];
}

function checking({ chosen }: GuideFacts): Block[] {
  const { tables } = chosen.manifest;
  const named = tables.slice(0, MAX_TABLES);
  const rest = tables.length - named.length;
  return [
    heading(2, "5. Check what came back"),
    text("These counts are the backup's. Each statement runs in sqlite3 and with wrangler d1 execute --command."),
    table(
      ["Table", "Rows"],
      named.map(({ name, rows }) => [name, count(rows)]),
    ),
    code("sql", [
      // A name with a line break in it would not stay on its line.
      ...named
        .filter(({ name }) => !/[\r\n]/.test(name))
        .map(({ name, rows }) => `SELECT count(*) = ${rows} FROM ${quoteName(name)};`),
      "PRAGMA foreign_key_check;",
      "PRAGMA quick_check;",
    ]),
    ...(rest > 0 ? [text(`${count(rest)} more tables are in the manifest.`)] : []),
  ];
}

function fileOf({ database, date }: Manifest): string {
  return `${database}-${date}.sql.gz`;
}
