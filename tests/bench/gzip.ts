import { gunzipSync } from "node:zlib";
import { accounts } from "./data.ts";
import { megabytes, printTable, seconds } from "./report.ts";
import { startRig } from "./rig.ts";
import { sideBySide } from "./side-by-side.ts";
import type { Workshop } from "./workshop.ts";

const ROUNDS = 3;

const WAYS = [
  ["GzipWriter", 1],
  ["GzipWriter", 2],
  ["GzipWriter", 3],
  ["GzipWriter", 4],
  ["GzipWriter", 6],
  ["node:zlib", 1],
  ["node:zlib", 6],
  ["CompressionStream", 6],
  ["fflate", 1],
  ["fflate", 6],
] as const;

/** Ways to compress a dump inside workerd. */
export async function measureGzip(shop: Workshop): Promise<void> {
  const dataset = accounts(200_000);
  const rig = await startRig({ files: { [dataset.name]: shop.database(dataset) } });
  try {
    const text = gunzipSync(await rig.stored(dataset.name));
    await rig.ask("text", {}, text);
    const measured = await sideBySide(
      WAYS.map(([way, level]) => ({
        name: `${way}, level ${level}`,
        run: async () => ({ stored: Number((await rig.ask("compress", { way, level }))["stored"]) }),
      })),
      ROUNDS,
    );
    const usual = measured.find(({ name }) => name === "node:zlib, level 6")?.stored ?? 1;
    printTable(
      `Compressing a dump of ${megabytes(text.length)} inside workerd; GzipWriter cuts it into restart points`,
      [
        ["", "fastest", "median", "MB/s", "size", "over node:zlib 6"],
        ...measured.map(({ name, fastest, median, stored }) => [
          name,
          seconds(fastest),
          seconds(median),
          (text.length / 1e6 / fastest).toFixed(0),
          megabytes(stored),
          `${(stored / usual).toFixed(2)} x`,
        ]),
      ],
    );
  } finally {
    await rig.stop();
  }
}
