import { accounts, bulky } from "./data.ts";
import { megabytes, printTable, seconds } from "./report.ts";
import { startRig } from "./rig.ts";
import type { Workshop } from "./workshop.ts";

/**
 * A drill in workerd: a stored backup restored into a Durable Object and compared. The memory is that of the isolate in
 * which both the archiver and the scratch database run; of a small backup, which is compared in one call, it is what that
 * call has left behind.
 */
export async function measureDrill(shop: Workshop): Promise<void> {
  const sizes = shop.full ? [20_000, 200_000, 2_000_000] : [20_000, 200_000];
  const datasets = [
    ...sizes.map((rows) => accounts(rows)),
    bulky("bulky-blobs", { rows: 40, bytes: 200_000, kind: "blobs" }),
  ];
  const files = Object.fromEntries(datasets.map((dataset) => [dataset.name, shop.database(dataset)]));
  const rows = [["", "SQL", "restore", "whole drill", "SQL a second", "held", "as it is"]];
  const held = await startRig({ files, v8Flags: "--expose-gc" });
  const asIs = await startRig({ files });
  try {
    for (const { name } of datasets) {
      await held.ask("backup", { database: name });
      held.heap.reset();
      await held.ask("drill", { database: name });
      await asIs.ask("backup", { database: name });
      asIs.heap.reset();
      const { verdict, ms, restoreMs, raw } = await asIs.ask("drill", { database: name });
      if (verdict !== "passed") throw new Error(`The drill of ${name} ended as ${verdict}`);
      rows.push([
        name,
        megabytes(Number(raw)),
        seconds(Number(restoreMs) / 1_000),
        seconds(Number(ms) / 1_000),
        megabytes(Number(raw) / (Number(ms) / 1_000)),
        megabytes(held.heap.peak),
        megabytes(asIs.heap.peak),
      ]);
    }
  } finally {
    await held.stop();
    await asIs.stop();
  }
  printTable("A drill: time, and most memory of its isolate", rows);
}
