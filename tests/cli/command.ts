import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

export const COMMAND = join(import.meta.dirname, "..", "..", "apps", "cli", "dist", "patina.js");

/** A folder of its own for the tests of a file, removed after them. */
export function testFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "patina-cli-"));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Another user to run as, where the tests run as root, to whom no folder is closed. */
  readonly uid?: number;
}

export interface Ended {
  /** Null when a signal ended it. */
  readonly exit: number | null;
  readonly out: Buffer;
  readonly err: string;
}

/** The bundled command, as a shell would start it: nothing of the test's own configuration reaches it. */
export function start(args: readonly string[], { cwd, env, input, uid }: RunOptions = {}) {
  const child: ChildProcess = spawn(process.execPath, [COMMAND, ...args], {
    cwd: cwd ?? tmpdir(),
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env },
    ...(uid === undefined ? {} : { uid }),
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  if (input !== undefined) child.stdin?.end(input);
  const out: Buffer[] = [];
  let err = "";
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) =>
    child.on("close", (exit) => resolve({ exit, out: Buffer.concat(out), err })),
  );
  return { child, ended, said: () => err };
}

export interface Answer extends Omit<Ended, "out"> {
  readonly out: string;
}

/** Runs the command to its end. */
export async function patina(args: readonly string[], options: RunOptions = {}): Promise<Answer> {
  const ended = await start(args, options).ended;
  return { ...ended, out: ended.out.toString() };
}

/** Runs the command on a terminal of its own, on which something is typed once it is asked for; what it shows there. */
export async function onTerminal(
  args: readonly string[],
  { typed, at, cwd, env }: { typed: string; at: RegExp; cwd?: string; env?: Readonly<Record<string, string>> },
): Promise<{ exit: number | null; said: string }> {
  const line = [process.execPath, COMMAND, ...args].join(" ");
  const child = spawn("script", ["-qec", line, "/dev/null"], {
    cwd: cwd ?? tmpdir(),
    env: { PATH: process.env["PATH"], TERM: "xterm", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  let isTyped = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (isTyped || !at.test(said)) return;
    isTyped = true;
    child.stdin.end(typed);
  });
  const exit = await new Promise<number | null>((ended) => child.on("close", ended));
  return { exit, said };
}
