/** Lines that say one thing each: its name, and behind it what it is. */
export function facts(lines: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(12, ...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${name.padEnd(width)} ${value}`).join("\n");
}
