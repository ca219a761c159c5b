import { statSync } from "node:fs";
import { GZIP_LEVEL } from "@patina/archive/gzip-writer";
import { accounts, type Dataset, measurements } from "./data.ts";
import { cpuSeconds, runCommand } from "./processes.ts";
import { megabytes, printMeasurements, printTable } from "./report.ts";
import { type Rig, startRig } from "./rig.ts";
import { type Contender, sideBySide } from "./side-by-side.ts";
import { type Workshop, WRANGLER } from "./workshop.ts";

const ROUNDS = 3;

/** Export of a database from local D1 to a stored, compressed object in local R2, against the other ways. */
export async function measureExport(shop: Workshop): Promise<void> {
  const few = measurements(200_000, { digits: "few" });
  const all = measurements(200_000, { digits: "all" });
  const plain = accounts(200_000);
  const files = Object.fromEntries([plain, few, all].map((dataset) => [dataset.name, shop.database(dataset)]));
  const rig = await startRig({ files });
  const apart = await startRig({ files: { [plain.name]: shop.database(plain) }, isApart: true });
  try {
    const size = megabytes(statSync(shop.database(plain)).size);
    printMeasurements(
      `Export of 200,000 rows, ${size}, from local D1 to a stored .sql.gz in local R2`,
      await sideBySide(
        [
          patina(rig, plain),
          ...shellDump(shop, plain),
          ...wranglerExport(shop, plain),
          naive(rig, plain),
          notReadBack(rig, plain, GZIP_LEVEL),
          notReadBack(rig, plain, 6),
          ...floors(rig, plain),
          ...[patina(apart, plain), notReadBack(apart, plain, GZIP_LEVEL)].map(({ name, run }) => ({
            name: `${name}, D1 and R2 in a process of their own`,
            run,
          })),
        ],
        ROUNDS,
      ),
    );
    for (const dataset of [few, all]) {
      const { fast, rows } = await rig.ask("fast-rows", { database: dataset.name });
      const share = `${Math.round((100 * Number(fast)) / Number(rows))} % of the rows take the fast path`;
      const title = dataset === few ? "decimals of up to seven places" : "computed values of 17 digits";
      printMeasurements(
        `200,000 rows of eight REALs each, ${title}: ${share}`,
        await sideBySide([patina(rig, dataset), ...shellDump(shop, dataset)], ROUNDS),
      );
    }
    const { queries, rowsRead, rows } = await rig.ask("backup", { database: plain.name });
    printTable("What it costs", [
      ["", "queries", "rows read", "rows read per row"],
      ["Patina, 200,000 rows", String(queries), String(rowsRead), (Number(rowsRead) / Number(rows)).toFixed(4)],
    ]);
  } finally {
    await apart.stop();
    await rig.stop();
  }
}

/** The exporter's own code, from D1 to the finished object and its manifest. */
export function patina(rig: Rig, { name }: Dataset): Contender {
  return {
    name: "Patina",
    async run() {
      return await asked(rig, "backup", { database: name });
    },
  };
}

/** What the Worker answers, with the CPU and the memory that the whole workerd process took for it. */
async function asked(rig: Rig, path: string, query: Record<string, string | number>) {
  rig.resetMemory();
  const before = rig.cpu();
  const { stored, raw } = await rig.ask(path, query);
  return { stored: Number(stored ?? raw ?? 0), peak: rig.memory(), cpu: rig.cpu() - before };
}

function notReadBack(rig: Rig, { name }: Dataset, level: number): Contender {
  return {
    name: `Patina at gzip level ${level}, not read back`,
    async run() {
      return await asked(rig, "backup-at-level", { database: name, level });
    },
  };
}

/** What local D1 and local R2 take of it, whoever asks: they share workerd's one thread with the Worker. */
function floors(rig: Rig, { name }: Dataset): Contender[] {
  return [
    {
      name: "floor: its pages read, nothing made of them",
      async run() {
        return await asked(rig, "fast-rows", { database: name });
      },
    },
    {
      name: "floor: as many bytes stored as Patina's object has",
      async run() {
        return await asked(rig, "stored-again", { database: name });
      },
    },
  ];
}

function naive(rig: Rig, { name, schema }: Dataset): Contender {
  const table = /TABLE (\w+)/.exec(schema[0] ?? "")?.[1] ?? "";
  return {
    name: "Worker with LIMIT 1000 OFFSET n, not compressed",
    async run() {
      return await asked(rig, "naive", { database: name, table });
    },
  };
}

/** A command with the CPU that it and all it started took. */
async function run(command: string, cwd: string): Promise<{ seconds: number; cpu: number; peak: number }> {
  const before = cpuSeconds(process.pid, { children: true });
  const { seconds, peak } = await runCommand(command, { cwd });
  return { seconds, peak, cpu: cpuSeconds(process.pid, { children: true }) - before };
}

function shellDump(shop: Workshop, dataset: Dataset): Contender[] {
  if (!shop.hasShell) return [];
  const out = shop.path("shell.sql.gz");
  return [
    {
      name: "sqlite3 .dump, then gzip -6",
      async run() {
        const command = `sqlite3 ${shop.database(dataset)} .dump | gzip -6 > ${out}`;
        return { ...(await run(command, shop.folder)), stored: statSync(out).size };
      },
    },
  ];
}

/** The export alone, and with the compression that it leaves to others. */
function wranglerExport(shop: Workshop, dataset: Dataset): Contender[] {
  const out = shop.path("wrangler.sql");
  const project = shop.wranglerProject("wrangler-export", shop.database(dataset));
  let exported = { seconds: 0, cpu: 0 };
  return [
    {
      name: "wrangler d1 export --local, not compressed",
      async run() {
        const command = `${WRANGLER} d1 export bench --local --output ${out}`;
        exported = await run(command, project.folder);
        return { ...exported, stored: statSync(out).size };
      },
    },
    {
      name: "wrangler d1 export --local, then gzip -6",
      async run() {
        const { seconds, cpu } = await run(`gzip -6 -c ${out} > ${out}.gz`, shop.folder);
        return {
          seconds: exported.seconds + seconds,
          cpu: exported.cpu + cpu,
          stored: statSync(`${out}.gz`).size,
        };
      },
    },
  ];
}
