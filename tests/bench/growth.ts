import { accounts, tenants } from "./data.ts";
import { patina } from "./export.ts";
import { printTable, seconds } from "./report.ts";
import { startRig } from "./rig.ts";
import { sideBySide } from "./side-by-side.ts";
import type { Workshop } from "./workshop.ts";

const ROUNDS = 3;

/** Whether a row costs the same in a small table and in a large one. */
export async function measureGrowth(shop: Workshop): Promise<void> {
  const sizes = shop.full ? [20_000, 200_000, 2_000_000] : [20_000, 200_000];
  for (const [title, make] of [
    ["a table with a rowid", accounts],
    ["a table WITHOUT ROWID, key (a, b DESC, c), one tenant with four in five rows", tenants],
  ] as const) {
    const datasets = sizes.map(make);
    const rig = await startRig({
      files: Object.fromEntries(datasets.map((dataset) => [dataset.name, shop.database(dataset)])),
    });
    try {
      const measured = await sideBySide(
        datasets.map((dataset) => patina(rig, dataset)),
        ROUNDS,
      );
      const perRow = measured.map(({ fastest }, i) => (fastest * 1e6) / (sizes[i] ?? 1));
      printTable(`Time per row of an export: ${title}`, [
        ["", "fastest", "median", "per row", "over 200,000 rows"],
        ...measured.map(({ fastest, median }, i) => [
          `${(sizes[i] ?? 0).toLocaleString("en")} rows`,
          seconds(fastest),
          seconds(median),
          `${(perRow[i] ?? 0).toFixed(2)} µs`,
          `${((perRow[i] ?? 0) / (perRow[1] ?? 1)).toFixed(2)} x`,
        ]),
      ]);
    } finally {
      await rig.stop();
    }
  }
}
