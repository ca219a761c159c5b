import { isDate, isWrittenAsDate } from "@patina/core/date";
import { InvalidArgumentError } from "commander";

/** Kinds of values that options take; each refuses what it is not. */

export function date(value: string): string {
  if (isDate(value)) return value;
  throw new InvalidArgumentError(isWrittenAsDate(value) ? "There is no such date." : "A date is written 2026-11-20.");
}

/** A file or folder. An empty one would be this folder, which is never what an unset variable means. */
export function place(value: string): string {
  if (value !== "") return value;
  throw new InvalidArgumentError("It is empty.");
}

export function limit(value: string): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number > 0 && number <= 100_000) return number;
  throw new InvalidArgumentError("A limit is a number from 1 to 100000.");
}

export function whole(value: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new InvalidArgumentError("It is a whole number.");
}

/** Bytes, as a number or with a unit: `50000000`, `50MB`. */
export function size(value: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([KMGT]?B?)$/i.exec(value) ?? [];
  const power = " KMGT".indexOf(unit.toUpperCase().replace("B", "") || " ");
  const bytes = Math.round(Number(number) * 1_000 ** power);
  if (number !== "" && Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError("A size is a number of bytes, such as 50000000, or 50MB.");
}

/** For an option that may be given several times. */
export function collect(value: string, all: readonly string[]): string[] {
  return [...all, value];
}

/** Words between commas, for an option that may be given several times as well. */
export function words(value: string, all: readonly string[]): string[] {
  return [...all, ...value.split(",").map((word) => word.trim())];
}
