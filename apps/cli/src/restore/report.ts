import * as v from "valibot";
import { ApiClient } from "../api/client.ts";
import { CommandError, explain } from "../failure.ts";
import { note } from "../output/print.ts";
import type { Content } from "./content.ts";
import type { Outcome } from "./outcome.ts";
import type { Target } from "./target.ts";

/** A restore that may have changed its target and did not come to what the backup says: people are told of it. */
export class FailedRestore extends CommandError {}

/** How a restore ended, for people elsewhere. */
export interface RestoreEnd {
  readonly verdict: Outcome["proof"]["verdict"];
  /** The first thing that is wrong or worth knowing. */
  readonly finding: string | null;
  /** Whether something was there before. */
  readonly isReplaced: boolean;
}

export function endOf({ proof, emergency }: Outcome): RestoreEnd {
  const [finding = null] = proof.checks.flatMap(({ findings }) => findings);
  return { verdict: proof.verdict, finding, isReplaced: emergency !== null };
}

/** The deployment whose people are to be told; null when none was named. A local run has nobody to tell. */
export function audience(env: NodeJS.ProcessEnv, api: string | undefined): ApiClient | null {
  return api === undefined && env["PATINA_URL"] === undefined ? null : ApiClient.of(env, api);
}

/** Most characters of a finding. */
const MAX_FINDING = 500;

const Reported = v.object({ channels: v.array(v.string()) });

function whoIsTold(channels: readonly string[], deployment: string): string {
  if (channels.length === 0) return `No channel of ${deployment} wants to know; its audit log has it.`;
  return `The channels of ${deployment} are told: ${channels.join(", ")}.`;
}

/**
 * Tells the channels of a deployment that want to know, and its audit log, of a restore. That nobody could be told is
 * said, and changes nothing about the restore.
 */
export async function reportRestore(
  api: ApiClient,
  { content, target, end }: { content: Content; target: Target; end: RestoreEnd },
): Promise<void> {
  const { manifest, tables } = content;
  if (manifest === null || (target.kind !== "sqlite" && target.kind !== "local-d1" && target.kind !== "d1")) return;
  const body = {
    database: manifest.database,
    key: manifest.object.key,
    target: target.kind,
    ...(target.kind === "sqlite" ? {} : { target_name: target.name }),
    replaced: end.isReplaced,
    tables: tables === null ? null : tables.length,
    verdict: end.verdict,
    ...(end.finding === null ? {} : { finding: end.finding.slice(0, MAX_FINDING) }),
  };
  try {
    const { channels } = await api.send("POST", "/restores", { body, schema: Reported });
    note(whoIsTold(channels, api.url));
  } catch (error) {
    const { message } = explain(error);
    note(`Nobody was told: ${message.replace(/^Cannot /, "cannot ")}.`);
  }
}
