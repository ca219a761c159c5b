import { rmSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { accounts, type Dataset } from "./data.ts";
import { runCommand } from "./processes.ts";
import { printMeasurements } from "./report.ts";
import { startRig } from "./rig.ts";
import { type Contender, sideBySide } from "./side-by-side.ts";
import { type Workshop, WRANGLER } from "./workshop.ts";

/** The same data restored from Patina's dump and from wrangler's, through sqlite3 and through wrangler. */
export async function measureRestore(shop: Workshop): Promise<void> {
  const large = accounts(200_000);
  const small = accounts(20_000);
  const dumps = await makeDumps(shop, [large, small]);
  if (shop.hasShell) {
    const of = (way: string) => restoreInShell(shop, { name: way, dump: dumps(way, large) });
    printMeasurements(
      "Restore of 200,000 rows through sqlite3",
      await sideBySide([of("Patina"), of("sqlite3 .dump"), of("wrangler d1 export")], 3),
    );
  }
  const through = (way: string, dataset: Dataset) =>
    restoreInWrangler(shop, { name: `${way}, ${dataset.rows.toLocaleString("en")} rows`, dump: dumps(way, dataset) });
  printMeasurements(
    "Restore of 20,000 rows through wrangler d1 execute --local --file, a tenth because wrangler's own takes so long",
    await sideBySide([through("Patina", small), through("wrangler d1 export", small)], 1),
  );
  printMeasurements(
    "Restore of 200,000 rows through wrangler d1 execute --local --file",
    await sideBySide(
      [through("Patina", large), ...(shop.full ? [through("wrangler d1 export", large)] : [])],
      shop.full ? 1 : 3,
    ),
  );
}

/** Dumps of each dataset by each tool; the answer is the path of one. */
async function makeDumps(shop: Workshop, datasets: readonly Dataset[]) {
  const path = (way: string, { name }: Dataset) => shop.path(`${way.replaceAll(" ", "-")}-${name}.sql`);
  const files = Object.fromEntries(datasets.map((dataset) => [dataset.name, shop.database(dataset)]));
  const rig = await startRig({ files });
  try {
    for (const dataset of datasets) {
      writeFileSync(path("Patina", dataset), gunzipSync(await rig.stored(dataset.name)));
      const { folder } = shop.wranglerProject("wrangler-dump", shop.database(dataset));
      const out = path("wrangler d1 export", dataset);
      await runCommand(`${WRANGLER} d1 export bench --local --output ${out}`, { cwd: folder });
      if (!shop.hasShell) continue;
      await runCommand(`sqlite3 ${shop.database(dataset)} .dump > ${path("sqlite3 .dump", dataset)}`, { cwd: folder });
    }
  } finally {
    await rig.stop();
  }
  return path;
}

function restoreInShell(shop: Workshop, { name, dump }: { name: string; dump: string }): Contender {
  const file = shop.path("restored.sqlite");
  return {
    name,
    async run() {
      for (const part of ["", "-wal", "-journal"]) rmSync(file + part, { force: true });
      // Wrangler's dump has no transaction of its own: each row would be one.
      const [begin, end] = name.startsWith("wrangler") ? ["echo 'BEGIN;';", "; echo 'COMMIT;'"] : ["", ""];
      const command = `(${begin} cat ${dump} ${end}) | sqlite3 -bail ${file}`;
      return await runCommand(command, { cwd: shop.folder });
    },
  };
}

function restoreInWrangler(shop: Workshop, { name, dump }: { name: string; dump: string }): Contender {
  return {
    name,
    async run() {
      const { folder } = shop.wranglerProject("wrangler-restore", null);
      return await runCommand(`${WRANGLER} d1 execute bench --local --yes --file ${dump}`, { cwd: folder });
    },
  };
}
