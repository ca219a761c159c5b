import { accounts, bulky, type Dataset } from "./data.ts";
import { megabytes, printTable } from "./report.ts";
import { type Rig, startRig } from "./rig.ts";
import type { Workshop } from "./workshop.ts";

/**
 * Memory of the exporter's isolate (V8's heap and the stores of its buffers), read by the inspector after every page and
 * at every part. `held` is what is still reachable; `as it is` counts what V8 has not yet cleared away too, which it does
 * when the isolate's limit comes near.
 */
export async function measureMemory(shop: Workshop): Promise<void> {
  const sizes = shop.full ? [20_000, 200_000, 2_000_000] : [20_000, 200_000];
  const datasets = [...sizes.map(accounts), bulky("blobs"), bulky("emoji")];
  const rows = [["", "held", "as it is", "samples"]];
  const three = accounts(200_000);
  const copies = ["one", "two", "three"];
  const files = {
    ...Object.fromEntries(datasets.map((dataset) => [dataset.name, shop.database(dataset)])),
    ...Object.fromEntries(copies.map((name) => [name, shop.database(three)])),
  };
  const held = await startRig({ files, collects: true });
  const asIs = await startRig({ files });
  const add = async (title: string, measure: (rig: Rig) => Promise<number>) => {
    const still = await measure(held);
    const { samples } = held.heap;
    rows.push([title, megabytes(still), megabytes(await measure(asIs)), String(samples)]);
  };
  try {
    for (const dataset of datasets) await add(titleOf(dataset), (rig) => heldBy(rig, [dataset.name]));
    await add("three exports of 200,000 rows at once", (rig) => heldBy(rig, copies));
  } finally {
    await held.stop();
    await asIs.stop();
  }
  printTable("Most memory of the exporter's isolate", rows);
}

function titleOf({ name, rows }: Dataset): string {
  if (name === "bulky-blobs") return "8 MB in BLOBs of 200 kB";
  if (name === "bulky-emoji") return "8 MB in texts of 200 kB, all emoji";
  return `${rows.toLocaleString("en")} rows`;
}

/** The most bytes in use at any sample of these exports, run at once. */
async function heldBy(rig: Rig, databases: readonly string[]): Promise<number> {
  rig.heap.reset();
  await Promise.all(databases.map((database) => rig.ask("sampled-backup", { database })));
  return rig.heap.peak;
}
