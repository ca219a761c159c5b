import { expect, test } from "vitest";
import { LiveText } from "./live-text.ts";

/** A stream that remembers what was written. */
function recorder(isTTY: boolean) {
  const written: string[] = [];
  const stream = { isTTY, columns: 10, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  return { written, stream };
}

test("on a terminal a text takes the place of the one before, and no line is wider than the terminal", () => {
  const { written, stream } = recorder(true);
  const live = new LiveText(stream);
  live.show("one\ntwo two two two");
  live.show("three");
  expect(written).toEqual(["one\ntwo two t\n", "\u001B[2A\u001B[0Jthree\n"]);
});

test("elsewhere one text follows the other", () => {
  const { written, stream } = recorder(false);
  const live = new LiveText(stream);
  live.show("one\ntwo two two two");
  live.show("three");
  expect(written).toEqual(["one\ntwo two two two\n", "three\n"]);
});
