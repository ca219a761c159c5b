import { type Check, verdictOf } from "@patina/core/drill";
import { PatinaError } from "@patina/core/error";
import { duration } from "@patina/core/wording";
import type { Command } from "commander";
import type { Backup } from "../backups/backup.ts";
import { findBackup, REFERENCE_HELP } from "../backups/reference.ts";
import { verifyObject } from "../backups/verification.ts";
import { CommandError, EXIT, usageError } from "../failure.ts";
import { printData, printJson, tone } from "../output/print.ts";
import { ProgressLine } from "../output/progress-line.ts";
import { VERDICT_TONES } from "../output/verdict-tones.ts";
import { contentOf } from "../restore/content.ts";
import { openScratch } from "../restore/scratch.ts";
import { proofOf } from "../restore/verdict.ts";
import { sourceCommand, sourceOf } from "./command.ts";
import { checkWait, drillRemotely, type RemoteOptions } from "./remote.ts";

/** `patina drill`: really restores a backup, into a scratch database on this machine, and proves it. */
export function drillCommand(): Command {
  return sourceCommand("drill", "Restore a backup into a scratch database on this machine and prove it")
    .argument("[backup]", `${REFERENCE_HELP}; with --remote every database when absent`)
    .option("--remote", "let the server do it, into a scratch database of its own; nothing is downloaded")
    .option("--wait", "with --remote: follow it to its end")
    .action(async (argument: string | undefined, options: RemoteOptions) => {
      checkWait(options);
      if (options.remote) {
        process.exitCode = await drillRemotely(argument, options);
        return;
      }
      if (argument === undefined) throw usageError("Cannot drill: no backup is named", "patina drill shop");
      const backup = await findBackup(argument, sourceOf(options));
      const begun = Date.now();
      const checks = await drill(backup);
      const verdict = verdictOf(checks);
      const ms = Date.now() - begun;
      if (options.json) printJson({ backup: backup.id, verdict, took_ms: ms, checks });
      else printData(describe(checks, `${backup.id}: ${tone(VERDICT_TONES[verdict], verdict)}, in ${duration(ms)}.`));
      process.exitCode = verdict === "failed" ? EXIT.findings : EXIT.ok;
    });
}

async function drill(backup: Backup): Promise<Check[]> {
  const progress = new ProgressLine(`Drilling ${backup.id}`, { total: null });
  try {
    const object = await verifyObject(backup, (done) => progress.show(done));
    if (object.end === "failed") return [object];
    const content = await contentOf(backup, []);
    const scratch = await openScratch(content, (done) => progress.show(done));
    try {
      const { checks } = await proofOf(scratch.db, { content, check: "full" });
      return [object, { name: "restore", end: "passed", findings: [] }, ...checks];
    } finally {
      scratch.close();
    }
  } catch (error) {
    if (!isOfBackup(error)) throw error;
    return [{ name: "restore", end: "failed", findings: [error.message] }];
  } finally {
    progress.end();
  }
}

/** Whether a failure says something of the backup, and not of this machine. */
function isOfBackup(error: unknown): error is Error {
  if (error instanceof CommandError) return error.message.includes("SQLite says");
  return error instanceof PatinaError && error.code === "backup_damaged";
}

function describe(checks: readonly Check[], sentence: string): string {
  const lines = checks.flatMap(({ name, end, findings }) => [
    `  ${name.padEnd(16)} ${tone(VERDICT_TONES[end], end)}`,
    ...findings.map((finding) => `    ${finding}.`),
  ]);
  return [sentence, ...lines].join("\n");
}
