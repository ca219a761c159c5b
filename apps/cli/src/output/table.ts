import Table from "cli-table3";
import { isTerminal, tone } from "./print.ts";

/** One column of a table about things of type `T`. */
export interface Column<T> {
  readonly head: string;
  /** The value as a program wants it. */
  readonly value: (thing: T) => string | number;
  /** The value as people read it; as it is when absent. Numbers are aligned to the right. */
  readonly show?: (thing: T) => string;
}

/**
 * A table for people on a terminal; otherwise lines of tab-separated values with a line of heads, sizes in bytes and
 * times in RFC 3339.
 */
export function table<T>(things: readonly T[], columns: readonly Column<T>[]): string {
  return isTerminal() ? aligned(things, columns) : plain(things, columns);
}

function aligned<T>(things: readonly T[], columns: readonly Column<T>[]): string {
  const isNumber = ({ value }: Column<T>) => things.some((thing) => typeof value(thing) === "number");
  const rows = new Table({
    head: columns.map(({ head }) => tone("strong", head)),
    colAligns: columns.map((column) => (isNumber(column) ? "right" : "left")),
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 2 },
    chars: BORDERLESS,
  });
  for (const thing of things) rows.push(columns.map(({ value, show }) => show?.(thing) ?? String(value(thing))));
  return rows.toString();
}

function plain<T>(things: readonly T[], columns: readonly Column<T>[]): string {
  const lines = things.map((thing) => columns.map(({ value }) => cell(String(value(thing)))));
  return [columns.map(({ head }) => cell(head)), ...lines].map((cells) => cells.join("\t")).join("\n");
}

function cell(text: string): string {
  return text.replaceAll(/[\t\r\n]+/g, " ");
}

const BORDERLESS = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "",
};
