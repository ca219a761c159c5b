import type { RegisteredDatabase } from "@patina/catalog/databases";
import type { Published } from "@patina/catalog/exporter-bindings";
import { timestamp } from "@patina/core/date";
import * as v from "valibot";

/** What was looked at before a database is added, and what was found. */
export const Check = v.strictObject({
  check: v.picklist(["name", "binding", "sole_use"]),
  ok: v.boolean(),
  detail: v.string(),
});
export type Check = v.InferOutput<typeof Check>;

/** The report, and the shard whose exporter has the binding. */
export interface Preflight {
  readonly checks: readonly [name: Check, binding: Check, soleUse: Check];
  readonly shard: number | null;
}

/** Looks at a database that is to be added, as far as can be seen without reading it. */
export function preflight(
  { name, binding }: { name: string; binding: string },
  { databases, published }: { databases: readonly RegisteredDatabase[]; published: readonly Published[] },
): Preflight {
  const isTaken = databases.some((other) => other.name === name);
  const exporter = published.find(({ bindings }) => bindings.includes(binding));
  const user = databases.find((other) => other.binding === binding && other.name !== name);
  return {
    checks: [
      {
        check: "name",
        ok: !isTaken,
        detail: isTaken ? "a database of this name is registered" : "nobody has this name",
      },
      { check: "binding", ok: exporter !== undefined, detail: foundBinding({ binding, exporter, published }) },
      {
        check: "sole_use",
        ok: user === undefined,
        detail: user === undefined ? "no other database uses the binding" : `"${user.name}" uses the binding`,
      },
    ],
    shard: exporter?.shard ?? null,
  };
}

function foundBinding(options: {
  binding: string;
  exporter: Published | undefined;
  published: readonly Published[];
}): string {
  const { binding, exporter, published } = options;
  if (exporter !== undefined) {
    return `the exporter of shard ${exporter.shard} had "${binding}" at ${timestamp(exporter.publishedAt)}`;
  }
  if (published.length === 0) return "no exporter has said yet which bindings it has";
  const last = Math.max(...published.map(({ publishedAt }) => publishedAt));
  return `no exporter had a binding "${binding}"; the last that said so did at ${timestamp(last)}`;
}
