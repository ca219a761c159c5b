#!/usr/bin/env node
import { EXIT, type Explanation, explain } from "./failure.ts";
import { listenForInterruption, tidyUp } from "./interruption.ts";
import { printJson } from "./output/print.ts";
import { program } from "./program.ts";

/** Ends the process with the exit code that the failure has, after one clear sentence. */
async function main(): Promise<void> {
  process.stdout.on("error", endWithoutReader);
  listenForInterruption();
  try {
    await program().parseAsync();
  } catch (error) {
    const { exit, message, hint } = tell(error);
    process.exitCode = exit;
    if (exit !== EXIT.ok && process.argv.includes("--json")) printJson({ error: { exit, message, next: hint } });
  }
}

function tell(error: unknown): Explanation {
  const explanation = explain(error);
  const { message, hint, isTold } = explanation;
  if (!isTold) process.stderr.write(`${message}.\n`);
  if (hint !== null) process.stderr.write(`Try: ${hint}\n`);
  return explanation;
}

function endWithoutReader(error: Error): void {
  tidyUp();
  // Whoever read the answer has seen enough: `patina list | head`.
  if ("code" in error && error.code === "EPIPE") process.exit(EXIT.ok);
  process.exit(tell(error).exit);
}

// Not awaited: the published command is CommonJS, which can say so when Node is too old for it.
void main();
