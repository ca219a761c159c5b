import { statSync } from "node:fs";
import { GZIP_LEVEL } from "@patina/archive/gzip-writer";
import { accounts, type Dataset, measurements } from "./data.ts";
import { runCommand } from "./processes.ts";
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
    await rig.stop();
  }
}

/** The exporter's own code, from D1 to the finished object and its manifest. */
export function patina(rig: Rig, { name }: Dataset): Contender {
  return {
    name: "Patina",
    async run() {
      rig.resetMemory();
      const { stored } = await rig.ask("backup", { database: name });
      return { stored: Number(stored), peak: rig.memory() };
    },
  };
}

function notReadBack(rig: Rig, { name }: Dataset, level: number): Contender {
  return {
    name: `Patina at gzip level ${level}, not read back`,
    async run() {
      rig.resetMemory();
      const { stored } = await rig.ask("backup-at-level", { database: name, level });
      return { stored: Number(stored), peak: rig.memory() };
    },
  };
}

function naive(rig: Rig, { name, schema }: Dataset): Contender {
  const table = /TABLE (\w+)/.exec(schema[0] ?? "")?.[1] ?? "";
  return {
    name: "Worker with LIMIT 1000 OFFSET n, not compressed",
    async run() {
      rig.resetMemory();
      const { raw } = await rig.ask("naive", { database: name, table });
      return { stored: Number(raw), peak: rig.memory() };
    },
  };
}

function shellDump(shop: Workshop, dataset: Dataset): Contender[] {
  if (!shop.hasShell) return [];
  const out = shop.path("shell.sql.gz");
  return [
    {
      name: "sqlite3 .dump, then gzip -6",
      async run() {
        const { seconds, peak } = await runCommand(`sqlite3 ${shop.database(dataset)} .dump | gzip -6 > ${out}`, {
          cwd: shop.folder,
        });
        return { seconds, peak, stored: statSync(out).size };
      },
    },
  ];
}

/** The export alone, and with the compression that it leaves to others. */
function wranglerExport(shop: Workshop, dataset: Dataset): Contender[] {
  const out = shop.path("wrangler.sql");
  const project = shop.wranglerProject("wrangler-export", shop.database(dataset));
  let exported = 0;
  return [
    {
      name: "wrangler d1 export --local, not compressed",
      async run() {
        const command = `${WRANGLER} d1 export bench --local --output ${out}`;
        const { seconds, peak } = await runCommand(command, { cwd: project.folder });
        exported = seconds;
        return { seconds, peak, stored: statSync(out).size };
      },
    },
    {
      name: "wrangler d1 export --local, then gzip -6",
      async run() {
        const { seconds } = await runCommand(`gzip -6 -c ${out} > ${out}.gz`, { cwd: shop.folder });
        return { seconds: exported + seconds, stored: statSync(`${out}.gz`).size };
      },
    },
  ];
}
