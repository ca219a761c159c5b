import { cpus } from "node:os";
import { measureArchive } from "./archive.ts";
import { measureDrill } from "./drill.ts";
import { measureExport } from "./export.ts";
import { measureFanOut } from "./fan-out.ts";
import { measureGrowth } from "./growth.ts";
import { measureGzip } from "./gzip.ts";
import { measureMatrix } from "./matrix.ts";
import { measureMemory } from "./memory.ts";
import { measureRestore } from "./restore.ts";
import { Workshop } from "./workshop.ts";

/** `npm run bench`: what docs/benchmarks.md shows, measured on this machine. */
interface Section {
  readonly measure: (shop: Workshop) => Promise<void>;
  /** Left out unless it is asked for by name or with --full: it takes long. */
  readonly isLong?: boolean;
}

const SECTIONS: Readonly<Record<string, Section>> = {
  export: { measure: measureExport },
  memory: { measure: measureMemory },
  restore: { measure: measureRestore },
  drill: { measure: measureDrill },
  growth: { measure: measureGrowth },
  "fan-out": { measure: measureFanOut },
  gzip: { measure: measureGzip },
  archive: { measure: measureArchive },
  matrix: { measure: measureMatrix, isLong: true },
};

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const full = process.argv.includes("--full");
const unknown = asked.find((name) => !(name in SECTIONS));
if (unknown !== undefined) {
  process.stderr.write(`There is no section "${unknown}". Sections: ${Object.keys(SECTIONS).join(", ")}\n`);
  process.exit(2);
}

const { node, sqlite } = process.versions;
process.stdout.write(`${cpus().length} CPUs (${cpus()[0]?.model}), Node ${node}, SQLite ${sqlite}\n`);
const shop = new Workshop({ full });
try {
  for (const [name, { measure, isLong = false }] of Object.entries(SECTIONS)) {
    if (asked.length > 0 ? asked.includes(name) : full || !isLong) await measure(shop);
  }
} finally {
  shop.remove();
}
