import type { Check } from "@patina/core/drill";
import type { Command } from "commander";
import type { Backup } from "../backups/backup.ts";
import { findBackup, REFERENCE_HELP } from "../backups/reference.ts";
import { verifyObject } from "../backups/verification.ts";
import { EXIT } from "../failure.ts";
import { note, printData, printJson, tone } from "../output/print.ts";
import { ProgressLine } from "../output/progress-line.ts";
import { type Column, table } from "../output/table.ts";
import { VERDICT_TONES } from "../output/verdict-tones.ts";
import { type SourceOptions, sourceCommand, sourceOf } from "./command.ts";
import { checkWait, type RemoteOptions, verifyRemotely } from "./remote.ts";

/** `patina verify`: reads stored objects from end to end and compares them with their manifests. */
export function verifyCommand(): Command {
  return sourceCommand("verify", "Read stored backups from end to end and compare them with their manifests")
    .argument("[backups...]", `${REFERENCE_HELP}; every backup of the source when absent`)
    .option("--remote", "let the server do it, where the backups lie; nothing is downloaded")
    .option("--wait", "with --remote: follow it to its end")
    .action(async (args: string[], options: RemoteOptions) => {
      checkWait(options);
      process.exitCode = await (options.remote ? verifyRemotely(args, options) : verify(args, options));
    });
}

/** One backup and what came of it. */
interface Verified {
  readonly id: string;
  readonly check: Check;
}

async function verify(args: readonly string[], options: SourceOptions): Promise<number> {
  const source = sourceOf(options);
  const verified: Verified[] = [];
  for await (const backup of args.length === 0 ? (await source()).find({}) : named(args, source)) {
    const progress = new ProgressLine(`Verifying ${backup.id}`, { total: await backup.size() });
    const check = await verifyObject(backup, (done) => progress.show(done)).finally(() => progress.end());
    verified.push({ id: backup.id, check });
  }
  const bad = verified.filter(({ check }) => check.end === "failed").length;
  if (options.json) {
    printJson({ verified: verified.length, failed: bad, backups: verified.map(({ id, check }) => ({ id, ...check })) });
  } else if (verified.length > 0) printData(table(verified, COLUMNS));
  note(`${verified.length - bad} of ${verified.length} backups are what they should be.`);
  return bad === 0 ? EXIT.ok : EXIT.findings;
}

async function* named(args: readonly string[], source: ReturnType<typeof sourceOf>): AsyncGenerator<Backup> {
  for (const argument of args) yield await findBackup(argument, source);
}

const COLUMNS: readonly Column<Verified>[] = [
  { head: "backup", value: ({ id }) => id },
  { head: "object", value: ({ check }) => check.end, show: ({ check }) => tone(VERDICT_TONES[check.end], check.end) },
  { head: "finding", value: ({ check }) => check.findings[0] ?? "" },
];
