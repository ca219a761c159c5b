import type { Verdict } from "@patina/core/drill";
import { amount, bytes, duration } from "@patina/core/wording";
import { EXIT } from "../failure.ts";
import { type Tone, tone } from "../output/print.ts";
import type { Content } from "./content.ts";
import type { Proof } from "./verdict.ts";

/** What a restore came to. */
export interface Outcome {
  /** Where the restored database is, in words. */
  readonly target: string;
  readonly proof: Proof;
  /** Where the state is that was replaced; null when nothing was. */
  readonly emergency: string | null;
}

/** The outcome for people: what was done, the verdict, and everything that is worth knowing. */
export function describeOutcome(outcome: Outcome, { content, ms }: { content: Content; ms: number }): string {
  const { target, proof, emergency } = outcome;
  const { tables } = content.expected();
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const what = `${amount(rows, "row")} in ${amount(tables.length, "table")}`;
  const size = content.bytes === null ? "" : `, ${bytes(content.bytes)} of SQL`;
  const [color, sentence] = SENTENCES[proof.verdict];
  return [
    `Restored ${content.backup.id} to ${target} in ${duration(ms)}: ${what}${size}.`,
    tone(color, sentence),
    ...proof.checks.flatMap(({ findings }) => findings.map((finding) => `  ${finding}.`)),
    ...(emergency === null ? [] : [`What was there before is in ${emergency}`]),
  ].join("\n");
}

const SENTENCES: Readonly<Record<Verdict, readonly [Tone, string]>> = {
  passed: ["good", "Exact: every table has the rows and the digest that the backup says, and SQLite finds it sound."],
  flawed: ["warn", "All of it is there; it breaks rules that its source broke too:"],
  unprovable: ["warn", "Complete as far as can be told:"],
  failed: ["bad", "Not what the backup says:"],
};

/** The outcome for programs. */
export function outcomeJson({ target, proof, emergency }: Outcome, { content, ms }: { content: Content; ms: number }) {
  return {
    backup: content.backup.id,
    target,
    took_ms: ms,
    verdict: proof.verdict,
    checks: proof.checks,
    tables: content.expected().tables.map(({ name, rows }) => ({ name, rows })),
    emergency_backup: emergency,
  };
}

export function exitOf({ proof }: Outcome): number {
  return proof.verdict === "failed" ? EXIT.findings : EXIT.ok;
}
