import { env } from "cloudflare:test";
import type { Held, StoredArchive } from "@patina/core/archive-retention";
import { DAY, dateOf, HOUR } from "@patina/core/date";
import { judgeDumps, type StoredDump } from "@patina/core/dump-retention";
import { applyRetention, type StoredBackup } from "@patina/core/retention";
import { DEFAULT_DUMPS, policyFor, type RetentionPolicy } from "@patina/core/retention-policy";
import { datesOf, weekOf } from "@patina/core/week";
import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import type { Catalog } from "./catalog.ts";
import { type PreviewPart, previewPart } from "./retention-preview.ts";
import { judgeArchives } from "./stored-archives.ts";
import { storedDumps } from "./stored-dumps.ts";
import { emptyCatalog } from "./testing.ts";

/** What a prune decides from the catalog, page by page, is what applyRetention() decides of everything at once. */

const TODAY = Date.parse("2030-03-20T00:00:00Z");
const NOW = TODAY + 23 * HOUR;
const MOMENT = { now: NOW, ticks: { last: NOW, since: 0 } };

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
});

interface Daily {
  readonly kind: "daily" | "manual";
  readonly database: string;
  readonly date: string;
  readonly isDamaged: boolean;
  /** A drill of it failed: it is damaged, and so is its copy. */
  readonly hasFailed: boolean;
  /** False: its object is gone, and only an archive may still have it. */
  readonly isStored: boolean;
  readonly isArchived: boolean;
}

interface World {
  readonly dailies: readonly Daily[];
  /** Weeks whose archive was found damaged, or of which it is not known what they hold. */
  readonly damaged: readonly string[];
  readonly unknown: readonly string[];
}

const date = fc.nat(60).map((age) => dateOf(TODAY - age * DAY));
const name = fc.constantFrom("shop", "blog", "2024", "10");
const anyWorld: fc.Arbitrary<World> = fc
  .uniqueArray(
    fc.record({
      kind: fc.constantFrom("daily" as const, "daily" as const, "manual" as const),
      database: name,
      date,
      isDamaged: fc.boolean(),
      hasFailed: fc.boolean(),
      isStored: fc.boolean(),
      isArchived: fc.boolean(),
    }),
    { maxLength: 40, selector: ({ kind, database, date }) => `${kind} ${database} ${date}` },
  )
  .chain((dailies) => {
    const weeks = [...new Set(dailies.map(({ date }) => weekOf(date)))];
    const some = fc.subarray(weeks, { maxLength: Math.ceil(weeks.length / 4) });
    return fc.record({ dailies: fc.constant(dailies), damaged: some, unknown: some });
  });
const anyPolicy: fc.Arbitrary<RetentionPolicy> = fc.record({
  weeklyWeeks: fc.integer({ min: 1, max: 6 }),
  dumps: fc.record({
    kind: fc.constant("age" as const),
    dailyDays: fc.integer({ min: 1, max: 20 }),
    manualDays: fc.integer({ min: 1, max: 40 }),
    maxBytes: fc.option(fc.integer({ min: 1, max: 3_000 })),
  }),
  overrides: fc
    .option(fc.tuple(name, fc.integer({ min: 1, max: 40 })))
    .map((own) => new Map(own === null ? [] : [[own[0], { ...DEFAULT_DUMPS, dailyDays: own[1] }]])),
});

const keyOf = ({ kind, database, date }: Daily) =>
  kind === "daily"
    ? `daily/${date}/${database}.sql.gz`
    : `manual/${date}/manual-20300101-000000-000000/${database}.sql.gz`;
/** Nightlies end at different times, manual ones in the evening. */
const finishedAt = ({ kind, date, database }: Daily) =>
  Date.parse(`${date}T00:00:00Z`) + (kind === "daily" ? 3 : 20) * HOUR + database.length * 1_000;
const archiveKey = (week: string) => `weekly/${week}.tar.gz`;
/** The week of today has no archive yet. */
const isMember = ({ kind, isArchived, date }: Daily) =>
  kind === "daily" && isArchived && weekOf(date) !== weekOf(dateOf(TODAY));

function weeksOf({ dailies }: World): string[] {
  return [...new Set(dailies.filter(isMember).map(({ date }) => weekOf(date)))];
}

/** The world as the pure function sees it. */
function backupsOf(world: World): StoredBackup[] {
  const { dailies, damaged, unknown } = world;
  const isGone = (week: string) => damaged.includes(week) || unknown.includes(week);
  const dumps = dailies
    .filter(({ isStored }) => isStored)
    .map((one): StoredDump => {
      const week = weekOf(one.date);
      const archivedIn = isMember(one) && !isGone(week) ? archiveKey(week) : null;
      const facts = { bytes: 1_000, isGood: !one.isDamaged && !one.hasFailed, archivedIn };
      return { kind: one.kind, key: keyOf(one), database: one.database, at: finishedAt(one), ...facts };
    });
  return [...dumps, ...weeksOf(world).map((week) => archiveOf(week, world))];
}

function archiveOf(week: string, { dailies, damaged, unknown }: World): StoredArchive {
  const inside = dailies.filter((one) => isMember(one) && weekOf(one.date) === week);
  const groups = [...Map.groupBy(inside, ({ database }) => database)];
  const members = groups.map(([database, own]): [string, Held] => {
    const good = own.filter(({ hasFailed }) => !hasFailed).map(finishedAt);
    const isGood = !damaged.includes(week) && good.length > 0;
    return [database, { newest: Math.max(...own.map(finishedAt)), good: isGood ? Math.max(...good) : null }];
  });
  const isKnown = !unknown.includes(week);
  const at = isKnown ? Math.max(...inside.map(finishedAt)) : closedAt(week);
  return { kind: "weekly", key: archiveKey(week), at, bytes: 5_000, members: isKnown ? new Map(members) : null };
}

function closedAt(week: string): number {
  return Date.parse(`${datesOf(week)[6]}T05:00:00Z`);
}

/** The same in the catalog. */
async function store(world: World): Promise<void> {
  const { dailies, damaged, unknown } = world;
  const { CATALOG } = env;
  const inventory = CATALOG.prepare(
    `insert into backup_inventory (key, kind, database, date, job_id, size, digest, etag, created_at, deleted_at, damaged_at)
     values (?, ?, ?, ?, 'job', ?, ?, ?, ?, ?, ?)`,
  );
  const archive = CATALOG.prepare(
    `insert into archives (week, job_id, state, etag, backups, damaged, started_at, updated_at)
     values (?, 'job', 'checked', ?, ?, '[]', 0, 0)`,
  );
  const member = CATALOG.prepare(
    `insert into archive_members (database, date, week, offset, bytes, digest, raw_bytes, finished_at, manifest_offset,
       manifest_bytes, damaged_at) values (?, ?, ?, 0, 0, ?, 0, ?, 0, 0, ?)`,
  );
  await CATALOG.batch([
    CATALOG.prepare("delete from archives"),
    CATALOG.prepare("delete from backup_inventory"),
    ...dailies.map((one) => {
      const key = keyOf(one);
      const [gone, bad] = [one.isStored ? null : 1, one.isDamaged || one.hasFailed ? 1 : null];
      return inventory.bind(key, one.kind, one.database, one.date, 1_000, key, key, finishedAt(one), gone, bad);
    }),
    ...weeksOf(world).flatMap((week) => {
      const inside = dailies.filter((one) => isMember(one) && weekOf(one.date) === week);
      const [key, bad] = [archiveKey(week), damaged.includes(week) ? 1 : null];
      const etag = unknown.includes(week) ? "other" : key;
      return [
        inventory.bind(key, "weekly", null, datesOf(week)[6] ?? "", 5_000, key, key, closedAt(week), null, bad),
        archive.bind(week, etag, inside.length),
        ...inside.map((one) =>
          member.bind(one.database, one.date, week, keyOf(one), finishedAt(one), one.hasFailed ? 1 : null),
        ),
      ];
    }),
  ]);
}

/** What is decided from the catalog: the reason for each key, and what is copied out. */
async function decided(policy: RetentionPolicy) {
  const { weeklyWeeks } = policy;
  const reasons: Record<string, string> = {};
  for await (const page of storedDumps(catalog, { pageRows: 5 })) {
    for (const { database, dumps, newestGood } of page) {
      const context = { rule: policyFor(policy, database), now: NOW, weeklyWeeks, newestGood };
      for (const { key, isKept, reason } of judgeDumps(dumps, context)) reasons[key] = `${isKept} ${reason}`;
    }
  }
  const { judged } = await judgeArchives(catalog, { weeklyWeeks, now: NOW });
  for (const { verdict } of judged) reasons[verdict.key] = `${verdict.isKept} ${verdict.reason}`;
  return { reasons, rescues: judged.flatMap(({ alone }) => alone) };
}

/** The same from a preview, part by part, and how many backups it would copy out. */
async function previewed(policy: RetentionPolicy) {
  const reasons: Record<string, string> = {};
  let toCopyOut = 0;
  for (let after: string | null | undefined; after !== null; ) {
    const part: PreviewPart = await previewPart(catalog, { policy, now: NOW, doubt: null, after, partRows: 5 });
    for (const entry of part.entries) {
      expect(reasons).not.toHaveProperty([entry.key]);
      reasons[entry.key] = `${entry.isKept} ${entry.reason}`;
      toCopyOut += entry.toCopyOut;
    }
    after = part.next;
  }
  return { reasons, toCopyOut };
}

test("what is decided page by page is what is decided of everything at once", async () => {
  await fc.assert(
    fc.asyncProperty(anyWorld, anyPolicy, async (world, policy) => {
      await store(world);
      const { keep, remove, rescues } = applyRetention(backupsOf(world), policy, MOMENT);
      const found = await decided(policy);
      expect(found.reasons).toEqual({
        ...Object.fromEntries(keep.map(({ key, reason }) => [key, `true ${reason}`])),
        ...Object.fromEntries(remove.map(({ key, reason }) => [key, `false ${reason}`])),
      });
      const order = (one: (typeof rescues)[number]) => `${one.archive} ${one.database}`;
      expect(found.rescues.toSorted((a, b) => (order(a) < order(b) ? -1 : 1))).toEqual(
        rescues.toSorted((a, b) => (order(a) < order(b) ? -1 : 1)),
      );
      expect(await previewed(policy)).toEqual({ reasons: found.reasons, toCopyOut: rescues.length });
    }),
    { numRuns: 200, seed: 4 },
  );
});

test("an archive of whose backups the catalog lacks some stays", async () => {
  const one = {
    kind: "daily",
    database: "shop",
    isDamaged: false,
    hasFailed: false,
    isStored: false,
    isArchived: true,
  } as const;
  await store({
    dailies: [
      { ...one, date: "2030-01-21" },
      { ...one, date: "2030-01-22" },
    ],
    damaged: [],
    unknown: [],
  });
  await env.CATALOG.prepare("delete from archive_members where date = '2030-01-22'").run();
  const { judged } = await judgeArchives(catalog, { weeklyWeeks: 1, now: NOW });
  expect(judged.map(({ verdict }) => verdict.reason)).toEqual(["what it holds is not known"]);
});

test("a member of which it is not known when it was finished keeps its archive, and lets nothing else go", async () => {
  const one = { database: "shop", isDamaged: false, hasFailed: false } as const;
  const member = { ...one, kind: "daily", date: "2030-01-21", isStored: false, isArchived: true } as const;
  const manual = { ...one, kind: "manual", date: "2030-01-21", isStored: true, isArchived: false } as const;
  await store({ dailies: [member, manual], damaged: [], unknown: [] });
  await env.CATALOG.prepare("update archive_members set finished_at = null").run();
  const policy = { weeklyWeeks: 1, dumps: DEFAULT_DUMPS, overrides: new Map() };
  const { reasons } = await decided(policy);
  expect(reasons).toEqual({
    [archiveKey("2030-W04")]: "true holds the last good backup of shop",
    [keyOf(manual)]: "true last good backup of shop",
  });
});
