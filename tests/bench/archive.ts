import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { PROJECT } from "@patina/cli/local/workers";
import { datesOf } from "@patina/core/week";
import { accounts } from "./data.ts";
import { cpuSeconds, runCommand } from "./processes.ts";
import { megabytes, printTable, seconds } from "./report.ts";
import { type Rig, startRig } from "./rig.ts";
import { type Contender, sideBySide } from "./side-by-side.ts";
import type { Workshop } from "./workshop.ts";

const ROUNDS = 3;
const DATES = datesOf("2026-W47");
const CATALOG = "catalog";

/** The archive of a week: seven daily backups of local R2 in one tar.gz of local R2, against tar and plain copies. */
export async function measureArchive(shop: Workshop): Promise<void> {
  const dataset = accounts(200_000);
  const dump = await dumpOf(shop);
  const sql = gunzipSync(dump);
  const rig = await startRig({ main: "archive-worker.ts", files: { [CATALOG]: emptyCatalog(shop) } });
  try {
    for (const date of DATES) await store(rig, { date, name: dataset.name, dump, raw: sql.length });
    const week = weekOfSql(shop, { name: dataset.name, sql });
    const bytes = DATES.length * dump.length;
    const measured = await sideBySide(
      [
        asked(rig, "Patina, written", ["write"]),
        asked(rig, "Patina, written and read back", ["write", "check"]),
        tar(shop, week),
        asked(rig, "Patina, all but the sending of its parts", ["compose"]),
        asked(rig, "floor: as many bytes sent in parts of 8 MiB", ["send-parts"], { bytes }),
        asked(rig, "floor: the dailies copied, an object each", ["copy-dailies"]),
        asked(rig, "floor: the archive read", ["read"]),
      ],
      ROUNDS,
    );
    const raw = DATES.length * sql.length;
    printTable(`Seven days of ${megabytes(sql.length)} of SQL, ${megabytes(bytes)} as they are stored`, [
      ["", "median", "CPU", "SQL per second", "over Patina, written", "its CPU over that", "stored"],
      ...measured.map(({ name, median, cpu, ratio, stored }) => [
        name,
        seconds(median),
        seconds(cpu),
        `${Math.round(raw / 1e6 / median)} MB`,
        `${ratio.toFixed(2)} x`,
        `${(cpu / (measured[0]?.cpu ?? cpu)).toFixed(2)} x`,
        megabytes(stored),
      ]),
    ]);
  } finally {
    await rig.stop();
  }
  await measureMemory(shop, { dump, raw: sql.length });
}

/** Most memory of the archiver's isolate: it must not depend on how many backups there are. */
async function measureMemory(shop: Workshop, { dump, raw }: { dump: Buffer; raw: number }): Promise<void> {
  const rows = [["", "held", "samples"]];
  for (const copies of [1, 4]) {
    const files = { [CATALOG]: emptyCatalog(shop) };
    const rig = await startRig({ main: "archive-worker.ts", files, v8Flags: "--expose-gc" });
    try {
      for (const date of DATES)
        for (let i = 0; i < copies; i += 1) await store(rig, { date, name: `copy-${i}`, dump, raw });
      rig.heap.reset();
      const { stored } = await rig.ask("sampled-write", { database: CATALOG });
      rows.push([`an archive of ${megabytes(Number(stored))}`, megabytes(rig.heap.peak), String(rig.heap.samples)]);
    } finally {
      await rig.stop();
    }
  }
  printTable("Most memory of the archiver's isolate while it writes", rows);
}

/** A dump as the exporter stores it. */
async function dumpOf(shop: Workshop): Promise<Buffer> {
  const dataset = accounts(200_000);
  const rig = await startRig({ files: { [dataset.name]: shop.database(dataset) } });
  try {
    return await rig.stored(dataset.name);
  } finally {
    await rig.stop();
  }
}

/** A catalog with its tables, as wrangler would make it. */
function emptyCatalog(shop: Workshop): string {
  const path = shop.path("catalog.sqlite");
  rmSync(path, { force: true });
  const folder = join(PROJECT, "packages", "catalog", "migrations");
  const catalog = new DatabaseSync(path);
  catalog.exec("CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name TEXT UNIQUE, applied_at TIMESTAMP)");
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".sql"))) {
    catalog.exec(readFileSync(join(folder, name), "utf8"));
    catalog.prepare("INSERT INTO d1_migrations (name) VALUES (?)").run(name);
  }
  catalog.close();
  return path;
}

async function store(
  rig: Rig,
  { date, name, dump, raw }: { date: string; name: string; dump: Buffer; raw: number },
): Promise<void> {
  const sha256 = createHash("sha256").update(dump).digest("hex");
  await rig.ask("store", { database: CATALOG, date, name, raw, sha256 }, dump);
}

/** What the Worker does, one after the other. */
function asked(rig: Rig, name: string, paths: readonly string[], query: Record<string, number> = {}): Contender {
  return {
    name,
    async run() {
      const before = rig.cpu();
      let stored = 0;
      for (const path of paths) stored = Number((await rig.ask(path, { database: CATALOG, ...query }))["stored"]);
      return { stored, cpu: rig.cpu() - before };
    },
  };
}

/** The SQL of the week as plain files. */
function weekOfSql(shop: Workshop, { name, sql }: { name: string; sql: Buffer }): string {
  const folder = shop.path("week");
  for (const date of DATES) {
    mkdirSync(join(folder, date), { recursive: true });
    writeFileSync(join(folder, date, `${name}.sql`), sql);
  }
  return folder;
}

function tar(shop: Workshop, folder: string): Contender {
  const out = shop.path("week.tar.gz");
  return {
    name: "tar czf of the SQL",
    async run() {
      const before = cpuSeconds(process.pid, { children: true });
      const { seconds: took } = await runCommand(`tar czf ${out} -C ${folder} .`, { cwd: shop.folder });
      const cpu = cpuSeconds(process.pid, { children: true }) - before;
      return { seconds: took, cpu, stored: statSync(out).size };
    },
  };
}
