import { amount, bytes, count } from "@patina/core/wording";
import * as v from "valibot";
import type { ApiClient } from "../api/client.ts";
import { note, printData, tone } from "../output/print.ts";
import { type Column, table } from "../output/table.ts";

const Entry = v.object({
  key: v.string(),
  kind: v.string(),
  database: v.nullable(v.string()),
  date: v.nullable(v.string()),
  finished_at: v.string(),
  bytes: v.number(),
  decision: v.picklist(["keep", "remove"]),
  reason: v.string(),
  to_copy_out: v.number(),
});
type Entry = v.InferOutput<typeof Entry>;

const Page = v.object({
  as_of: v.string(),
  doubt: v.nullable(v.string()),
  entries: v.array(Entry),
  next_cursor: v.nullable(v.string()),
});

/** What the next prune would do, in the API's words. */
export interface Preview {
  readonly as_of: string;
  readonly doubt: string | null;
  readonly entries: readonly Entry[];
}

/** Asks what the next prune would do, of everything that the query says. */
export async function previewOf(api: ApiClient, asked: Readonly<Record<string, string>>): Promise<Preview> {
  const query = new URLSearchParams({ limit: "100", ...asked });
  let preview: Preview = { as_of: "", doubt: null, entries: [] };
  for await (const { as_of, doubt, entries } of api.pages(`/retention/preview?${query}`, Page)) {
    preview = { as_of, doubt, entries: [...preview.entries, ...entries] };
  }
  return preview;
}

export function printEntries({ entries }: Preview): void {
  if (entries.length > 0) printData(table(entries, COLUMNS));
}

/** Says what it comes to. */
export function noteSum({ doubt, entries }: Preview): void {
  if (doubt !== null) note(`Nothing would be removed: ${doubt.replace(/^nothing is removed: /, "")}.`);
  const going = entries.filter(({ decision }) => decision === "remove");
  const rescued = going.reduce((sum, { to_copy_out }) => sum + to_copy_out, 0);
  const copies = rescued === 0 ? "" : ` ${amount(rescued, "backup")} would be copied out of archives first.`;
  const freed = bytes(going.reduce((sum, entry) => sum + entry.bytes, 0));
  note(`${amount(going.length, "object")} would be removed, ${freed}.${copies}`);
}

const COLUMNS: readonly Column<Entry>[] = [
  {
    head: "decision",
    value: ({ decision }) => decision,
    show: ({ decision }) => tone(decision === "remove" ? "warn" : "good", decision),
  },
  { head: "key", value: ({ key }) => key },
  { head: "size", value: (entry) => entry.bytes, show: (entry) => bytes(entry.bytes) },
  {
    head: "copied out",
    value: ({ to_copy_out }) => to_copy_out,
    show: ({ to_copy_out }) => (to_copy_out === 0 ? "-" : count(to_copy_out)),
  },
  { head: "reason", value: ({ reason }) => reason },
];
