/** Numbers as people read them. Sizes are powers of 1,000, as Cloudflare bills them. */

export function bytes(count: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A span of time: `870 ms`, `4.2 s`, `3 min 20 s`, `5 h 12 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return two(seconds, { size: 60, names: ["min", "s"] });
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1_440) return two(minutes, { size: 60, names: ["h", "min"] });
  return two(Math.round(ms / 3_600_000), { size: 24, names: ["d", "h"] });
}

/** A span of time in its largest unit alone, for sentences: `40 s`, `12 min`, `5 h`, `3 days`. */
export function roughly(ms: number): string {
  if (ms < 60_000) return `${Math.max(0, Math.floor(ms / 1_000))} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.floor(ms / 3_600_000)} h`;
  return `${Math.floor(ms / 86_400_000)} days`;
}

function two(count: number, { size, names }: { size: number; names: readonly [string, string] }): string {
  const rest = count % size;
  return `${Math.floor(count / size)} ${names[0]}${rest === 0 ? "" : ` ${rest} ${names[1]}`}`;
}

/** `1 row`, `1,234 rows`. */
export function amount(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

export function count(number: number): string {
  return number.toLocaleString("en-US");
}

/** A moment to the minute: `2026-11-20 03:00 UTC`. */
export function moment(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
