import { dirname } from "node:path";
import { amount, bytes } from "@patina/core/wording";
import { facts } from "../output/facts.ts";
import type { Content } from "./content.ts";
import { availableIn, requiredFor } from "./space.ts";

/** What a restore would do. */
export interface Plan {
  readonly backup: string;
  readonly startedAt: string | null;
  readonly consistency: string | null;
  readonly target: string;
  readonly tables: readonly { readonly name: string; readonly rows: number }[] | null;
  readonly sqlBytes: number | null;
  /** Free and required space where the target is a file on this machine. */
  readonly space: { readonly likely: number; readonly available: number } | null;
  readonly steps: readonly string[];
  /** What the backup does not carry, a sentence each. */
  readonly warnings: readonly string[];
}

/** @param file where the target is, if it is a file on this machine */
export function planOf(
  content: Content,
  options: { target: string; file: string | null; steps: readonly string[] },
): Plan {
  const { backup, manifest } = content;
  const { target, file, steps } = options;
  return {
    backup: backup.id,
    startedAt: manifest?.startedAt ?? null,
    consistency: manifest?.consistency ?? null,
    target,
    tables: manifest === null ? null : content.expected().tables.map(({ name, rows }) => ({ name, rows })),
    sqlBytes: content.bytes,
    space:
      file === null || content.bytes === null
        ? null
        : { likely: requiredFor(content.bytes).likely, available: availableIn(dirname(file)) },
    steps,
    warnings: manifest?.warnings ?? [],
  };
}

export function describePlan(plan: Plan): string {
  const { tables, sqlBytes, space } = plan;
  const rows = tables?.reduce((sum, table) => sum + table.rows, 0) ?? 0;
  const lines: (readonly [string, string])[] = [
    ["backup", plan.backup],
    ["started", plan.startedAt ?? "unknown: there is no manifest"],
    ["consistency", plan.consistency ?? "unknown"],
    ["target", plan.target],
    [
      "content",
      tables === null ? "everything in it" : `${amount(rows, "row")} in ${tables.map(({ name }) => name).join(", ")}`,
    ],
    ["SQL", sqlBytes === null ? "unknown" : bytes(sqlBytes)],
  ];
  if (space !== null)
    lines.push(["space", `up to ${bytes(space.likely)} required, ${bytes(space.available)} available`]);
  lines.push(...plan.warnings.map((warning) => ["warning", `${warning}.`] as const));
  const steps = plan.steps.map((step, i) => `${i + 1}. ${step}`);
  return [facts(lines), "", ...steps].join("\n");
}

export function planJson(plan: Plan) {
  return {
    dry_run: true,
    backup: plan.backup,
    started_at: plan.startedAt,
    consistency: plan.consistency,
    target: plan.target,
    tables: plan.tables,
    sql_bytes: plan.sqlBytes,
    required_bytes: plan.space?.likely ?? null,
    available_bytes: plan.space?.available ?? null,
    steps: plan.steps,
    warnings: plan.warnings,
  };
}
