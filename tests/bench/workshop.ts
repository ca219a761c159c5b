import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PROJECT } from "@patina/cli/local/workers";
import { d1Path } from "../compare/d1-file.ts";
import { type Dataset, makeDataset } from "./data.ts";
import { printMissing } from "./report.ts";

/** Where a run of the benchmarks keeps its files, and what it was asked for. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), "patina-bench-"));
  readonly full: boolean;
  /** Whether the sqlite3 shell is on this machine. */
  readonly hasShell: boolean;

  constructor({ full }: { full: boolean }) {
    this.full = full;
    this.hasShell = spawnSync("sqlite3", ["--version"]).status === 0;
    if (!this.hasShell) printMissing("everything that needs the sqlite3 shell: it is not on this machine");
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** The file of a dataset, made when it is asked for the first time. */
  database(dataset: Dataset): string {
    const path = this.path(`${dataset.name}.sqlite`);
    makeDataset(path, dataset);
    return path;
  }

  /** A wrangler project whose local D1 database "bench" is a copy of a file, or empty. */
  wranglerProject(name: string, file: string | null): { folder: string; database: string } {
    const folder = this.path(name);
    rmSync(folder, { recursive: true, force: true });
    const database = d1Path(join(folder, ".wrangler", "state", "v3"), "bench");
    mkdirSync(dirname(database), { recursive: true });
    const binding = `[[d1_databases]]\nbinding = "DB"\ndatabase_name = "bench"\ndatabase_id = "bench"\n`;
    writeFileSync(join(folder, "wrangler.toml"), `name = "bench"\ncompatibility_date = "2026-11-17"\n${binding}`);
    if (file !== null) copyFileSync(file, database);
    return { folder, database };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const WRANGLER = join(PROJECT, "node_modules", ".bin", "wrangler");
