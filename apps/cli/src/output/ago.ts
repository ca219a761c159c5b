import { roughly } from "@patina/core/wording";
import type { Column } from "./table.ts";

/** A column of times: for programs RFC 3339, for people how long ago; `-` where there is none. */
export function ago<T>(head: string, timeOf: (thing: T) => string | null, now = Date.now()): Column<T> {
  return {
    head,
    value: (thing) => timeOf(thing) ?? "-",
    show: (thing) => {
      const time = timeOf(thing);
      return time === null ? "-" : `${roughly(Math.max(0, now - Date.parse(time)))} ago`;
    },
  };
}
