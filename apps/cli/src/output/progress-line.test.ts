import { expect, test } from "vitest";
import { describe, ProgressLine } from "./progress-line.ts";

test("describe() tells bytes, share, rate and the time that is left", () => {
  const line = describe({ label: "Restoring", total: 60_000_000, done: 15_000_000, ms: 500, more: "1,000 rows" });
  expect(line).toBe("Restoring  15.0 MB of 60.0 MB (25 %), 1,000 rows, 30.0 MB/s, 1.5 s left");
});

test("describe() promises nothing while nothing is known", () => {
  expect(describe({ label: "Dumping", total: null, done: 0, ms: 0 })).toBe("Dumping  0 B");
  expect(describe({ label: "Dumping", total: 0, done: 0, ms: 10 })).toBe("Dumping  0 B of 0 B (100 %)");
});

/** A stream that remembers what was written, and a clock that is moved by hand. */
function recorder(isTTY: boolean) {
  const written: string[] = [];
  const stream = { isTTY, columns: 40, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  return { written, stream };
}

test("ProgressLine writes a line every ten seconds where nothing can be drawn over", () => {
  const { written, stream } = recorder(false);
  let now = 0;
  const line = new ProgressLine("Dumping", { total: null, stream, clock: () => now });
  for (now = 0; now <= 25_000; now += 1_000) line.show(now * 1_000);
  line.end();
  expect(written).toEqual(["Dumping  10.0 MB, 1.0 MB/s\n", "Dumping  20.0 MB, 1.0 MB/s\n"]);
});

test("ProgressLine draws on a terminal, no wider than it is, and takes its line away at the end", () => {
  const { written, stream } = recorder(true);
  let now = 0;
  const line = new ProgressLine("Dumping", { total: 1e9, stream, clock: () => now });
  now = 1_000;
  line.show(1e6);
  line.end();
  const [drawn = "", ...rest] = written;
  const whole = "Dumping  1.0 MB of 1.0 GB (0 %), 1.0 MB/s, 16 min 39 s left";
  expect(drawn).toBe(`\r\u001B[2K${whole.slice(0, 39)}`);
  expect(rest).toEqual(["\r\u001B[2K"]);
});
