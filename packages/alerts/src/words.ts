import { bytes, count, duration, moment } from "@patina/core/wording";
import type { AlertEvent } from "./event.ts";
import type { Report } from "./report.ts";

/** What an alert says in words, the same on every channel. Plain text: each channel escapes it in its own way. */
export interface Words {
  /** One line. */
  readonly headline: string;
  /** One or two sentences. */
  readonly detail: string;
  /** What a person should do; null when there is nothing to do, or when each database says it for itself. */
  readonly next: string | null;
}

export function wordsOf(report: Report): Words {
  const { event } = report;
  switch (event.kind) {
    case "job-started":
      return { headline: `${jobKind(report)} has started${ofDatabases(report)}`, detail: jobName(report), next: null };
    case "job-completed":
      return { headline: `${jobKind(report)} complete${ofDatabases(report)}`, detail: ended(report), next: null };
    case "job-failed":
      return { headline: `${jobKind(report)} failed${howMany(report)}`, detail: ended(report), next: null };
    case "job-slow":
      return slow(report);
    case "backup-failed":
      return { headline: `Backup of ${event.database} failed`, detail: jobName(report), next: null };
    case "recovered":
      return {
        headline: named(report, ["is backed up again", "are backed up again"]),
        detail: jobName(report),
        next: null,
      };
    case "run-missed":
      return missed(report, event.scheduledFor);
    case "size-deviated":
      return {
        headline: named(report, ["deviates in size", "deviate in size"]),
        detail: `${jobName(report)} The backup is kept, but is not of the size it was expected to have.`,
        next: "Look whether the change was meant while the older backups still exist.",
      };
    case "backup-fuzzy":
      return {
        headline: named(report, ["changed while it was read", "changed while they were read"]),
        detail: `${jobName(report)} The backup is kept as fuzzy: it may mix several moments.`,
        next: "Back it up at a quieter time, or look at what writes to it meanwhile.",
      };
    case "archive-skipped":
      return {
        headline: `${archive(event.job)} was not made at its time`,
        detail: `${sentence(event.reason)} The tick tries again.`,
        next: null,
      };
    case "archive-incomplete":
      return {
        headline: `${archive(event.job)} lacks ${some(event.missing, "backup")}`,
        detail: `${sentence(event.error)} Whatever exists of that week is in it.`,
        next: "Look at the nights that are missing: the daily backups of the other nights are kept as always.",
      };
    case "verify-mismatch":
      if (event.many !== undefined) return manyDamaged(event, event.many);
      return {
        headline: `A stored ${event.database === null ? "archive" : `backup of ${event.database}`} is damaged`,
        detail: `${event.key}: ${sentence(event.error)}`,
        next: "Do not restore from it. Start a new backup, and use the last good one until then.",
      };
    case "drill-failed":
      return {
        headline: `A backup of ${event.database} could not be restored as it was`,
        detail: `${event.key}: ${sentence(event.error)}`,
        next: "Start a new backup and drill it; keep the ones before.",
      };
    case "restored":
      return { headline: `${event.database} was restored`, detail: restored(event), next: null };
    case "restore-failed":
      return {
        headline: `A restore of ${event.database} failed`,
        detail: restored(event),
        next: "Do not use what was restored. Look at what whoever restored it was told, and restore an earlier backup.",
      };
    case "dead-letter":
      return deadLetter(report, event);
    case "daily-summary":
      return summary(report, event.date);
    case "channel-test":
      return { headline: "Patina reaches this channel", detail: "Somebody asked for this test.", next: null };
  }
}

function manyDamaged({ content, key, error }: Extract<AlertEvent, { kind: "verify-mismatch" }>, many: number): Words {
  return {
    headline: `${count(many)} stored backups are damaged`,
    detail: `Verification ${content} found them; the first is ${key}: ${sentence(error)}`,
    next: "Do not restore from them. Look at the bucket before anything else is written into it, and at the verification for their names.",
  };
}

function slow({ job, now }: Report): Words {
  const lasted = duration((job?.finishedAt ?? now) - (job?.startedAt ?? now));
  const isRunning = job?.finishedAt === null;
  const kind = capital(job?.kind ?? "a");
  return {
    headline: isRunning ? `${kind} backup is slow: still running` : `${kind} backup was slow`,
    detail: isRunning
      ? `Job ${job?.id} has been running for ${lasted}. Nothing is lost.`
      : `Job ${job?.id} took ${lasted}.`,
    next: isRunning ? "Look at its tasks: which databases are still under way, and with what error." : null,
  };
}

function missed({ event, job }: Report, scheduledFor: number): Words {
  const date = moment(scheduledFor).slice(0, 10);
  const wanted = `It should have started at ${moment(scheduledFor)} and did not.`;
  const [run = "run"] = event.kind === "run-missed" ? event.job.split("-") : [];
  return {
    headline: `${capital(run)} run of ${date} was missed`,
    detail:
      job === null
        ? `${wanted} No backup has that date, and none can be made any more.`
        : `${wanted} It was made up for at ${moment(job.startedAt)} as job ${job.id}.`,
    next: "Look whether the dispatcher's crons still fire and the catalog answers.",
  };
}

function deadLetter({ letters }: Report, event: Extract<AlertEvent, { kind: "dead-letter" }>): Words {
  const number = letters?.count ?? 1;
  const whose = [event.job === null ? "" : `of job ${event.job}`, event.failedChannel === null ? "" : "to a channel"];
  const what = number === 1 ? "A dead letter has" : `${count(number)} dead letters have`;
  const error = letters?.error ?? null;
  return {
    headline: `${what} arrived from ${event.queue}`,
    detail: [
      `${number === 1 ? "A message" : "Messages"} ${whose.filter((text) => text !== "").join(" ")}`.trimEnd(),
      ` will not be tried again${error === null ? "." : `: ${sentence(error)}`}`,
    ].join(""),
    next: "Replay what should be done again; discard the rest with a reason.",
  };
}

function restored(event: Extract<AlertEvent, { kind: "restored" | "restore-failed" }>): string {
  const { key, target, isReplaced, actor, error } = event;
  const how = isReplaced ? ", in place of what was there" : "";
  return `${key} to ${target}${how}, by ${actor}.${error === null ? "" : ` ${sentence(error)}`}`;
}

function summary({ databases: all }: Report, date: string): Words {
  const bad = all.filter(({ state }) => state === "failed").length;
  const none = all.filter(({ lastGood }) => lastGood === null).length;
  const stored = all.reduce((sum, { storedBytes }) => sum + (storedBytes ?? 0), 0);
  const good = all.length - bad;
  return {
    headline:
      bad === 0 ? `${some(all.length, "database")}, none failing` : `${bad} of ${some(all.length, "database")} failing`,
    detail: `${date}: ${good} backed up, ${bad} failing, ${none} without any backup; ${bytes(stored)} in the last backups.`,
    next: null,
  };
}

function jobKind({ job }: Report): string {
  return job?.kind === "weekly" ? "Weekly archive" : `${capital(job?.kind ?? "a")} backup`;
}

function jobName({ job }: Report): string {
  return job === null ? "Its job is no longer in the catalog." : `Job ${job.id}.`;
}

function archive(job: string): string {
  return `Weekly archive of ${job.slice("weekly-".length)}`;
}

function ofDatabases({ job }: Report): string {
  return job === null || job.kind === "weekly" ? "" : `: ${some(job.databases, "database")}`;
}

function howMany({ job }: Report): string {
  return job === null || job.kind === "weekly" ? "" : ` for ${job.failed} of ${some(job.databases, "database")}`;
}

function ended({ job, now }: Report): string {
  if (job === null) return "Its job is no longer in the catalog.";
  const lasted = duration((job.finishedAt ?? now) - job.startedAt);
  const stored = `${bytes(job.rawBytes)} as ${bytes(job.storedBytes)} stored`;
  if (job.error !== null) return `Job ${job.id}: ${sentence(job.error)}`;
  if (job.kind === "weekly") return `Job ${job.id}: ${some(job.succeeded, "backup")} in ${lasted}; ${stored}.`;
  const rows = some(job.rows, "row");
  return `Job ${job.id}: ${job.succeeded} succeeded, ${job.failed} failed in ${lasted}; ${rows}, ${stored}.`;
}

/** One database by its name, several by their number: they are listed below. */
function named({ databases: all }: Report, [one, many]: readonly [string, string]): string {
  const [first] = all;
  return all.length === 1 ? `${first?.name} ${one}` : `${some(all.length, "database")} ${many}`;
}

function some(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
