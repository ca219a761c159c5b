import { copyFileSync } from "node:fs";
import { startSystem, temporaryFolder } from "../system/harness.ts";
import { accounts } from "./data.ts";
import { patina } from "./export.ts";
import { printTable, seconds } from "./report.ts";
import { startRig } from "./rig.ts";
import { sideBySide } from "./side-by-side.ts";
import type { Workshop } from "./workshop.ts";

/** A database of about 200 KB. */
const SMALL = accounts(600);

/** A whole nightly job, from the cron to its close, over many small databases. */
export async function measureFanOut(shop: Workshop): Promise<void> {
  const rig = await startRig({ files: { [SMALL.name]: shop.database(SMALL) } });
  const [alone] = await sideBySide([patina(rig, SMALL)], 20);
  await rig.stop();
  const exported = alone?.median ?? 0;
  const rows = [["", "whole job", "per database", "of which beyond the export"]];
  for (const count of shop.full ? [6, 100, 1_000] : [6, 100]) {
    const whole = await runJob(shop, count);
    rows.push([
      `${count.toLocaleString("en")} databases`,
      seconds(whole),
      seconds(whole / count),
      seconds(Math.max(0, whole / count - exported)),
    ]);
  }
  printTable(`Nightly job over databases of 200 KB; one export by itself takes ${seconds(exported)}`, rows);
}

/** Seconds from the cron until the job is closed. */
async function runJob(shop: Workshop, count: number): Promise<number> {
  const folder = temporaryFolder();
  const files = Array.from({ length: count }, (_, i) => `${folder.path}/db-${i}.sqlite`);
  for (const file of files) copyFileSync(shop.database(SMALL), file);
  const system = await startSystem({ folder: folder.path, files });
  try {
    const started = performance.now();
    await system.patina.fire("nightly", Date.now());
    const [job] = await system.rows("select id from backup_jobs");
    const { status, succeeded } = await system.ended(String(job?.["id"]));
    if (status !== "completed" || succeeded !== count) throw new Error(`The job over ${count} databases is ${status}`);
    return (performance.now() - started) / 1_000;
  } finally {
    await system.patina.stop();
    folder.remove();
  }
}
