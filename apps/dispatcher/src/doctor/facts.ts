import { listChannels } from "@patina/catalog/channels";
import { listDatabases } from "@patina/catalog/databases";
import { countOpenLetters } from "@patina/catalog/dead-letters";
import { listPublished } from "@patina/catalog/exporter-bindings";
import { fleetEntries } from "@patina/catalog/fleet";
import { lastScheduled } from "@patina/catalog/jobs";
import { needsAttention } from "@patina/core/standing";
import { QUEUES } from "@patina/messages/queues";
import type { Channels } from "@patina/worker/channels";
import type { Preflights } from "@patina/worker/preflights";
import type { Vault } from "@patina/worker/vault";
import type { AuthSettings } from "../api/auth.ts";
import { standingOfEntry } from "../api/views/database.ts";
import type { DispatcherContext } from "../context.ts";
import type { Facts } from "./diagnosis.ts";

/** Who is asked. */
export interface Witnesses {
  readonly auth: AuthSettings;
  readonly vault: Vault;
  readonly channels: Channels;
  readonly preflights: Preflights;
  readonly environment: string;
  readonly context: DispatcherContext;
}

/** No such object is ever written: looking for it shows whether the bucket answers. */
const NOTHING = "scratch/doctor";

/** Asks every Worker and queue, and changes nothing. Whoever does not answer is a fact as well. */
export async function gatherFacts(witnesses: Witnesses): Promise<Facts> {
  const { auth, vault, channels, preflights, environment, context } = witnesses;
  const { catalog, clock } = context;
  const now = clock();
  const registered = await listDatabases(catalog);
  const fleet = new Map((await fleetEntries(catalog)).map((entry) => [entry.name, entry]));
  const configured = await listChannels(catalog);
  const queues = {
    [QUEUES.exports]: context.exports,
    [QUEUES.results]: context.results,
    [QUEUES.alerts]: context.alerts,
    [QUEUES.upkeep]: context.upkeep,
  };
  const backlogs: Record<string, number | null> = {};
  for (const [name, queue] of Object.entries(queues)) {
    backlogs[name] = await answer(async () => (await queue.metrics()).backlogCount);
  }
  return {
    now,
    tokens: { ADMIN_TOKEN: auth.adminToken?.length ?? 0, READ_TOKEN: auth.readToken?.length ?? 0 },
    hasAccess: (auth.accessAudience ?? "") !== "",
    isLocal: environment === "local",
    hasAlertKey: await answer(() => channels.hasAlertKey()),
    home: await answer(() => channels.home()),
    hasRedactionKey: await answer(() => preflights.hasRedactionKey()),
    hasBucket: (await answer(async () => ((await vault.head(NOTHING)) === null ? "empty" : "full"))) !== null,
    backlogs,
    exporters: await listPublished(catalog),
    databases: registered.map(({ name, binding, enabled, redactions }) => {
      const entry = fleet.get(name);
      return {
        name,
        binding,
        isEnabled: enabled,
        needsKey: enabled && redactions.some(({ as }) => as === "digest"),
        isFailing: entry !== undefined && needsAttention(standingOfEntry(entry, now)),
      };
    }),
    runs: { nightly: await lastScheduled(catalog, "nightly"), weekly: await lastScheduled(catalog, "weekly") },
    since: registered.length === 0 ? null : Math.min(...registered.map(({ createdAt }) => createdAt)),
    channels: { enabled: configured.filter(({ enabled }) => enabled).length, all: configured.length },
    openLetters: await countOpenLetters(catalog),
  };
}

/** What somebody answers; null when nothing comes back but a failure. */
async function answer<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch {
    return null; // that it does not answer is what was asked
  }
}
