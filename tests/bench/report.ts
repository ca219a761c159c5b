import type { Measurement } from "./side-by-side.ts";

/** Prints a Markdown table; the first column is text, the others are figures. */
export function printTable(title: string, rows: readonly (readonly string[])[]): void {
  const [head = [], ...body] = rows;
  const widths = head.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0), 3));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(" | ")} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  process.stdout.write(`\n${title}\n\n${[line(head), rule, ...body.map(line)].join("\n")}\n`);
}

/** Prints measurements of the same work by several contenders. */
export function printMeasurements(title: string, measurements: readonly Measurement[]): void {
  const [first] = measurements;
  const over = `over ${first?.name ?? ""}`;
  const isCpuKnown = measurements.some(({ cpu }) => cpu > 0);
  const cpuOf = (cpu: number) => (cpu > 0 ? [seconds(cpu), times(cpu / (first?.cpu ?? cpu))] : ["", ""]);
  printTable(title, [
    ["", "fastest", "median", over, ...(isCpuKnown ? ["CPU", `CPU ${over}`] : []), "stored", "peak memory"],
    ...measurements.map(({ name, fastest, median, ratio, cpu, stored, peak }) => [
      name,
      seconds(fastest),
      seconds(median),
      times(ratio),
      ...(isCpuKnown ? cpuOf(cpu) : []),
      stored === 0 ? "" : megabytes(stored),
      peak === 0 ? "" : megabytes(peak),
    ]),
  ]);
}

export function seconds(value: number): string {
  return value < 1 ? `${Math.round(value * 1_000)} ms` : `${value.toFixed(2)} s`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function times(ratio: number): string {
  return `${ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(0)} x`;
}

/** Says what is left out of a section and why, where nobody can overlook it. */
export function printMissing(what: string): void {
  process.stdout.write(`\n!! NOT MEASURED: ${what}\n`);
}
