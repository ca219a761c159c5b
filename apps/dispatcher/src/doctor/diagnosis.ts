import { MINUTE, timestamp } from "@patina/core/date";
import { scheduledJobId } from "@patina/core/job";
import { MIN_REDACTION_KEY } from "@patina/core/rules";
import { CRONS, MISSED_AFTER, nextRun, previousRun } from "@patina/core/schedule";
import { amount, roughly } from "@patina/core/wording";
import type { Home } from "@patina/worker/channels";
import { MIN_TOKEN } from "../api/auth.ts";

/** What a deployment is made of. */
export const SUBJECTS = [
  "secret",
  "variable",
  "schedule",
  "binding",
  "bucket",
  "queue",
  "channel",
  "letters",
  "databases",
] as const;

/** `good`: as it should be. `warning`: works, and somebody may want it otherwise. `bad`: does not work. */
export const ENDS = ["good", "warning", "bad"] as const;

/** One thing that was looked at in a deployment. */
export interface Finding {
  readonly subject: (typeof SUBJECTS)[number];
  /** Which of them: `ADMIN_TOKEN`, `nightly`, `DB_SHOP`. */
  readonly name: string;
  readonly end: (typeof ENDS)[number];
  /** A sentence without its full stop. */
  readonly detail: string;
  /** What to do; null when there is nothing. */
  readonly next: string | null;
}

/** What the Workers know of themselves and each other. Times in milliseconds since the epoch. */
export interface Facts {
  readonly now: number;
  /** Lengths of the dispatcher's tokens, 0 for one that is not set. */
  readonly tokens: { readonly ADMIN_TOKEN: number; readonly READ_TOKEN: number };
  readonly hasAccess: boolean;
  /** Whether it runs on somebody's machine, where nothing is deployed. */
  readonly isLocal: boolean;
  /** Null when the aggregator does not answer. */
  readonly hasAlertKey: boolean | null;
  /** Where alerts link to; null when the aggregator does not answer. */
  readonly home: Home | null;
  /** Null when the exporter does not answer. */
  readonly hasRedactionKey: boolean | null;
  /** Whether the archiver reads the bucket. */
  readonly hasBucket: boolean;
  /** Messages that wait in each queue that the dispatcher sends to; null when it does not answer. */
  readonly backlogs: Readonly<Record<string, number | null>>;
  readonly exporters: readonly { shard: number; bindings: readonly string[]; publishedAt: number }[];
  readonly databases: readonly Database[];
  /** The last run of each schedule that there was, and what made it start; null when there was none yet. */
  readonly runs: Readonly<Record<"nightly" | "weekly", { readonly job: string; readonly trigger: string } | null>>;
  /** When the first database was registered; null when none is. */
  readonly since: number | null;
  readonly channels: { readonly enabled: number; readonly all: number };
  readonly openLetters: number;
}

interface Database {
  readonly name: string;
  readonly binding: string;
  readonly isEnabled: boolean;
  /** Whether a rule of it asks for digests. */
  readonly needsKey: boolean;
  readonly isFailing: boolean;
}

/** How late the exporter's cron may be: it comes every five minutes, give or take. */
const EXPORTER_MS = 15 * MINUTE;

/** Everything worth saying of a deployment, in the order in which it is set up. */
export function diagnose(facts: Facts): Finding[] {
  return [
    ...secrets(facts),
    ...publicUrl(facts),
    bucket(facts),
    ...queues(facts),
    ...exporters(facts),
    ...bindings(facts),
    schedule("nightly", facts),
    schedule("weekly", facts),
    channels(facts),
    letters(facts),
    databases(facts),
  ];
}

function secrets({ tokens, hasAccess, hasAlertKey, hasRedactionKey, databases: all }: Facts): Finding[] {
  const found: Finding[] = [];
  for (const [name, length] of Object.entries(tokens)) {
    if (length >= MIN_TOKEN) found.push(good({ subject: "secret", name }, "set"));
    else if (length > 0) {
      const next = `openssl rand -hex 32 | npx wrangler secret put ${name} --name patina-dispatcher`;
      found.push(bad({ subject: "secret", name }, `shorter than ${MIN_TOKEN} characters, and so not accepted`, next));
    } else if (name === "ADMIN_TOKEN" && !hasAccess) {
      const next = "openssl rand -hex 32 | npx wrangler secret put ADMIN_TOKEN --name patina-dispatcher";
      found.push(bad({ subject: "secret", name }, "not set, and nobody comes in through Cloudflare Access", next));
    } else found.push(good({ subject: "secret", name }, "not set, which is a choice"));
  }
  const alertKey = { subject: "secret", name: "ALERT_KEY" } as const;
  if (hasAlertKey === null) found.push(silent(alertKey, "aggregator"));
  else if (hasAlertKey) found.push(good(alertKey, "set"));
  else {
    const next = "openssl rand -base64 32 | npx wrangler secret put ALERT_KEY --name patina-aggregator";
    found.push(warning(alertKey, "not set, or no 32 bytes of base64: no channel can be added", next));
  }
  const key = { subject: "secret", name: "REDACTION_KEY" } as const;
  const needing = all.filter(({ needsKey }) => needsKey).map(({ name }) => name);
  if (hasRedactionKey === null) found.push(silent(key, "exporter"));
  else if (hasRedactionKey || needing.length === 0) {
    found.push(good(key, hasRedactionKey ? "set" : "not set, and no rule needs it"));
  } else {
    const next = "openssl rand -hex 32 | npx wrangler secret put REDACTION_KEY --name patina-exporter";
    const why = `not set, or shorter than ${MIN_REDACTION_KEY} characters: ${some(needing)} cannot be backed up`;
    found.push(bad(key, why, next));
  }
  return found;
}

function publicUrl({ home, isLocal }: Facts): Finding[] {
  // Then nobody knows, which has been said.
  if (home === null) return [];
  const what = { subject: "variable", name: "PUBLIC_URL" } as const;
  if (home.is === "set") return [good(what, `alerts link to ${home.url}`)];
  const why = home.is === "unset" ? "not set" : "no address such as https://patina.example";
  const next = isLocal
    ? "Start it without --port 0: a free port is another one each time, which nothing can link to."
    : "Put the dispatcher's address into PUBLIC_URL of apps/aggregator/wrangler.toml, then npm run infra -- apply.";
  return [warning(what, `${why}: alerts carry no link to the dashboard`, next)];
}

function bucket({ hasBucket }: Facts): Finding {
  const what = { subject: "bucket", name: "BUCKET" } as const;
  if (hasBucket) return good(what, "the archiver reads it");
  return bad(what, "the archiver cannot read it", "Check that the bucket exists, then npm run infra -- apply.");
}

function queues({ backlogs }: Facts): Finding[] {
  return Object.entries(backlogs).map(([name, waiting]) => {
    const what = { subject: "queue", name } as const;
    if (waiting !== null) return good(what, waiting === 0 ? "nothing waits" : `${amount(waiting, "message")} waiting`);
    return bad(what, "it does not answer", "npm run infra -- apply makes the queues that are missing.");
  });
}

function exporters({ exporters: all, now }: Facts): Finding[] {
  const next = "npx wrangler tail patina-exporter shows whether its cron runs; npm run infra -- apply sets it.";
  if (all.length === 0) {
    const what = { subject: "schedule", name: "exporter" } as const;
    return [bad(what, "no exporter has said yet which databases it can read: its cron has never run", next)];
  }
  return all.map(({ shard, publishedAt }) => {
    const what = { subject: "schedule", name: all.length === 1 ? "exporter" : `exporter ${shard}` } as const;
    const ago = `its cron ran ${roughly(Math.max(0, now - publishedAt))} ago`;
    return now - publishedAt <= EXPORTER_MS
      ? good(what, ago)
      : bad(what, `${ago}, and should every five minutes`, next);
  });
}

function bindings({ exporters: all, databases: registered }: Facts): Finding[] {
  // Then nobody knows, which has been said.
  if (all.length === 0) return [];
  const bound = new Set(all.flatMap((exporter) => exporter.bindings));
  const enabled = registered.filter(({ isEnabled }) => isEnabled);
  const missing = enabled.filter(({ binding }) => !bound.has(binding));
  if (missing.length === 0) {
    const what = { subject: "binding", name: "databases" } as const;
    return [good(what, `the exporter has one for ${enabled.length === 1 ? "the one" : `all ${enabled.length}`}`)];
  }
  return missing.map(({ name, binding }) =>
    bad(
      { subject: "binding", name: binding },
      `the exporter has none for ${name}: it cannot be backed up`,
      "Name the database in infra/databases.toml, then npm run infra -- apply; or patina databases pause it.",
    ),
  );
}

/** Whether the last run that should have been was, and by itself: the tick makes up for a cron that does not fire. */
function schedule(kind: "nightly" | "weekly", { runs, since, now }: Facts): Finding {
  const what = { subject: "schedule", name: kind } as const;
  const due = previousRun(CRONS[kind], now - MISSED_AFTER);
  const next = timestamp(nextRun(CRONS[kind], now));
  if (since === null || since > due) return good(what, `its first run is due at ${next}`);
  const last = runs[kind];
  const job = scheduledJobId(kind, timestamp(due).slice(0, 10));
  if (last?.job !== job) {
    const seen = last === null ? "there was never a run" : `the last run was ${last.job}`;
    return bad(
      what,
      `${job} did not begin: ${seen}`,
      "npm run infra -- apply sets the crons; see the dispatcher's logs.",
    );
  }
  if (last.trigger === "cron") return good(what, `${job} began by itself; the next is due at ${next}`);
  return warning(what, `${job} was begun by the tick, since its cron did not fire`, "See whether it happens again.");
}

function channels({ channels: { enabled, all } }: Facts): Finding {
  const what = { subject: "channel", name: "alerts" } as const;
  if (enabled > 0) return good(what, `${amount(enabled, "channel")} on`);
  const why =
    all === 0 ? "there is none: nobody is told of a failure" : `all ${all} are off: nobody is told of a failure`;
  return warning(what, why, "patina alerts add ops --kind discord");
}

function letters({ openLetters }: Facts): Finding {
  const what = { subject: "letters", name: "dead letters" } as const;
  if (openLetters === 0) return good(what, "none is open");
  return warning(what, `${openLetters} wait for somebody`, "patina dead-letters list");
}

function databases({ databases: all }: Facts): Finding {
  const what = { subject: "databases", name: "databases" } as const;
  const enabled = all.filter(({ isEnabled }) => isEnabled);
  if (enabled.length === 0)
    return warning(what, "none is backed up", "Name some in infra/databases.toml, or patina databases add.");
  const failing = enabled.filter(({ isFailing }) => isFailing).map(({ name }) => name);
  if (failing.length === 0) return good(what, `${amount(enabled.length, "database")}, none failing or overdue`);
  return bad(what, `${some(failing)}: failing or overdue`, "patina databases list");
}

type What = Pick<Finding, "subject" | "name">;

function good(what: What, detail: string): Finding {
  return { ...what, end: "good", detail, next: null };
}

function warning(what: What, detail: string, next: string): Finding {
  return { ...what, end: "warning", detail, next };
}

function bad(what: What, detail: string, next: string): Finding {
  return { ...what, end: "bad", detail, next };
}

function silent(what: What, worker: string): Finding {
  return bad(what, `nobody knows: the ${worker} does not answer`, `npm run infra -- apply deploys the ${worker}.`);
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
