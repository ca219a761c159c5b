import { styleText } from "node:util";

/** Data goes to standard output, alone: it may be piped into another program. */
export function printData(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** One document, for programs. */
export function printJson(value: unknown): void {
  printData(JSON.stringify(value, null, 2));
}

/** Everything that is for the person and not part of the answer. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Whether a person reads the answer on a terminal. */
export function isTerminal(): boolean {
  return process.stdout.isTTY === true;
}

export type Tone = "good" | "bad" | "warn" | "quiet" | "strong";

const STYLES = { good: "green", bad: "red", warn: "yellow", quiet: "dim", strong: "bold" } as const;

/** Colours a text of the answer on a terminal. NO_COLOR and FORCE_COLOR are honoured. */
export function tone(name: Tone, text: string): string {
  return styleText(STYLES[name], text, { stream: process.stdout });
}
