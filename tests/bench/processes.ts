import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** How often a command's memory is read, in milliseconds. */
const INTERVAL = 20;

/**
 * Runs a shell command to its end.
 *
 * @returns its seconds, and the peaks of resident memory of all its processes added up, in bytes; 0 where there is no
 *   /proc to read it from
 * @throws with what it printed, when it fails
 */
export async function runCommand(
  command: string,
  options: { cwd: string; env?: Record<string, string> },
): Promise<{ seconds: number; peak: number; stdout: string }> {
  const started = performance.now();
  const child = spawn("bash", ["-o", "pipefail", "-c", command], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed: string[] = [];
  const stdout: string[] = [];
  child.stdout.on("data", (text) => stdout.push(String(text)));
  child.stderr.on("data", (text) => printed.push(String(text)));
  const peaks = new Map<number, number>();
  const timer = setInterval(() => {
    for (const pid of descendants(child.pid ?? 0)) peaks.set(pid, Math.max(peaks.get(pid) ?? 0, peakMemory(pid)));
  }, INTERVAL);
  const code = await new Promise((ended) => child.on("close", ended));
  clearInterval(timer);
  const seconds = (performance.now() - started) / 1_000;
  if (code !== 0) throw new Error(`${command}: ${printed.join("")}${stdout.join("")}`.slice(0, 2_000));
  return { seconds, peak: [...peaks.values()].reduce((sum, bytes) => sum + bytes, 0), stdout: stdout.join("") };
}

/** The most resident memory that a process has had since resetPeak(), in bytes. */
export function peakMemory(pid: number): number {
  return 1_024 * Number(/VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** Seconds of CPU that a process has used so far, or with `children` those that it has waited for; 0 without /proc. */
export function cpuSeconds(pid: number, { children = false }: { children?: boolean } = {}): number {
  // Behind the name: state is 0, utime 11, stime 12, cutime 13, cstime 14, in ticks of 10 ms (proc(5)).
  const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
  const [user, system] = children ? [13, 14] : [11, 12];
  return (Number(fields[user] ?? 0) + Number(fields[system] ?? 0)) / 100;
}

export function resetPeak(pid: number): void {
  // 5 sets the peak to what is resident now (proc(5)).
  if (pid > 0) writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** The newest process of a name below this one; 0 when there is none to be seen. */
export function newestChild(name: string): number {
  return Math.max(0, ...descendants(process.pid).filter((pid) => read(`/proc/${pid}/comm`).trim() === name));
}

function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readProcesses()) {
    // pid (name) state parent; the name may hold parentheses.
    const parent = Number(read(`/proc/${entry}/stat`).split(") ").at(-1)?.split(" ")[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), entry]);
  }
  const below = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(below)];
  return below(root);
}

function readProcesses(): number[] {
  try {
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
