import { accounts, bulky, type Dataset, measurements } from "./data.ts";
import { megabytes, printTable } from "./report.ts";
import { type Rig, startRig } from "./rig.ts";
import type { Workshop } from "./workshop.ts";

/** Megabytes that V8 may use for the objects of an isolate, garbage included; beyond them it ends the process. */
const HEAP_LIMIT = 20;

/** The same three times: at once, or in turn. */
const COPIES = ["one", "two", "three"];

/**
 * Memory of the exporter's isolate (V8's heap and the stores of its buffers), read by the inspector after every answer of
 * the database and at every part. `held` is what is still reachable; `in a heap of 20 MB` is read under that hard limit;
 * `as it is` counts what V8 has not yet cleared away without one.
 */
export async function measureMemory(shop: Workshop): Promise<void> {
  const sizes = shop.full ? [20_000, 200_000, 2_000_000] : [20_000, 200_000];
  const plain = sizes.map((rows) => ({ title: `${rows.toLocaleString("en")} rows`, dataset: accounts(rows) }));
  const singles = [...plain, ...hardOnes()];
  const three = shop.database(accounts(200_000));
  const files = {
    ...Object.fromEntries(singles.map(({ dataset }) => [dataset.name, shop.database(dataset)])),
    ...Object.fromEntries(COPIES.map((name) => [name, three])),
  };
  const runs: readonly (readonly [string, (rig: Rig) => Promise<number>])[] = [
    ...singles.map(({ title, dataset }) => [title, (rig: Rig) => most(rig, [dataset.name])] as const),
    ["200,000 rows, three exports one after the other", (rig) => mostInTurn(rig, COPIES)],
    ["200,000 rows, three exports at once", (rig) => most(rig, COPIES)],
    ["200,000 rows, only read", (rig) => most(rig, ["one"], "sampled-reading")],
  ];
  const ways = ["--expose-gc", `--max-heap-size=${HEAP_LIMIT}`, undefined];
  const columns: number[][] = [];
  for (const v8Flags of ways) columns.push(await measured(runs, { files, v8Flags }));
  printTable("Most memory of the exporter's isolate", [
    ["", "held", `in a heap of ${HEAP_LIMIT} MB`, "as it is"],
    ...runs.map(([title], i) => [title, ...columns.map((column) => megabytes(column[i] ?? 0))]),
  ]);
}

function hardOnes(): { title: string; dataset: Dataset }[] {
  const bulk = (title: string, options: Parameters<typeof bulky>[1]) => ({
    title,
    dataset: bulky(title.replaceAll(/\W+/g, "-"), options),
  });
  return [
    bulk("8 MB in BLOBs of 200 kB", { rows: 40, bytes: 200_000, kind: "blobs" }),
    bulk("8 MB in texts of 200 kB, all emoji", { rows: 40, bytes: 200_000, kind: "emoji" }),
    bulk("16 MB in BLOBs of 2 MB, short rows between", { rows: 8, bytes: 1_999_900, kind: "blobs", between: 5_000 }),
    bulk("1.8 MB in one piece, BLOBs", { rows: 9, bytes: 200_000, kind: "blobs" }),
    { title: "200,000 rows of REALs with 17 digits", dataset: measurements(200_000, { digits: "all" }) },
  ];
}

/** Every run in a process of its own: what one leaves behind is not the next one's. */
async function measured(
  runs: readonly (readonly [string, (rig: Rig) => Promise<number>])[],
  options: { files: Readonly<Record<string, string>>; v8Flags: string | undefined },
): Promise<number[]> {
  const found: number[] = [];
  for (const [, run] of runs) {
    const { files, v8Flags } = options;
    const rig = await startRig({ files, ...(v8Flags === undefined ? {} : { v8Flags }) });
    try {
      found.push(await run(rig));
    } finally {
      await rig.stop();
    }
  }
  return found;
}

/** The most bytes in use at any sample of these exports, run at once. */
async function most(rig: Rig, databases: readonly string[], path = "sampled-backup"): Promise<number> {
  await Promise.all(databases.map((database) => rig.ask(path, { database })));
  return rig.heap.peak;
}

async function mostInTurn(rig: Rig, databases: readonly string[]): Promise<number> {
  for (const database of databases) await rig.ask("sampled-backup", { database });
  return rig.heap.peak;
}
