#!/usr/bin/env node
import { EXIT, explain } from "./failure.ts";
import { listenForInterruption } from "./interruption.ts";
import { printJson } from "./output/print.ts";
import { program } from "./program.ts";

/** Ends the process with the exit code that the failure has, after one clear sentence. */
async function main(): Promise<void> {
  // Whoever read the answer has seen enough: `patina list | head`.
  process.stdout.on("error", (error) => process.exit("code" in error && error.code === "EPIPE" ? 0 : 1));
  listenForInterruption();
  try {
    await program().parseAsync();
  } catch (error) {
    const { exit, message, hint, isTold } = explain(error);
    process.exitCode = exit;
    if (!isTold) process.stderr.write(`${message}.\n`);
    if (hint !== null) process.stderr.write(`Try: ${hint}\n`);
    if (exit !== EXIT.ok && process.argv.includes("--json")) printJson({ error: { exit, message, next: hint } });
  }
}

// Not awaited: the published command is CommonJS, which can say so when Node is too old for it.
void main();
