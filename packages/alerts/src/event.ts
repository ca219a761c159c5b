/**
 * Everything that Patina tells people about. An event is written once, in the transaction that makes it true, with one
 * outbox row for every channel that wants its kind (packages/catalog/src/alert-events.ts).
 */

/** How much an event matters: what colour it gets, and whether a channel gets it unless its owner says otherwise. */
export type EventLevel = "failure" | "recovery" | "warning" | "information";

interface EventMeaning {
  readonly level: EventLevel;
  /** Whether a new channel gets it. Only failures and recovery are: everything else has to be asked for. */
  readonly byDefault: boolean;
  /** What the event says, for the list of a channel's settings. */
  readonly about: string;
}

export const EVENTS = {
  "job-started": { level: "information", byDefault: false, about: "A job has started." },
  "job-completed": { level: "information", byDefault: false, about: "Every database of a job was backed up." },
  "job-failed": { level: "failure", byDefault: true, about: "A job has ended and some of its databases failed." },
  "job-slow": { level: "warning", byDefault: false, about: "A job runs for longer than it should, and still does." },
  // The failed job names every one of its databases: a message for each would say it twice.
  "backup-failed": { level: "failure", byDefault: false, about: "One database failed; sent while its job still runs." },
  recovered: { level: "recovery", byDefault: true, about: "A database was backed up again after failures." },
  "run-missed": { level: "failure", byDefault: true, about: "A run that should have happened did not." },
  "size-deviated": {
    level: "warning",
    byDefault: false,
    about: "A backup is far larger or smaller than the last ones.",
  },
  "backup-fuzzy": { level: "warning", byDefault: false, about: "A database changed while it was read." },
  "archive-skipped": { level: "failure", byDefault: true, about: "The weekly archive was not made at its time." },
  "archive-incomplete": { level: "failure", byDefault: true, about: "The weekly archive lacks backups of its week." },
  "verify-mismatch": { level: "failure", byDefault: true, about: "A stored backup is not what its manifest says." },
  "drill-failed": { level: "failure", byDefault: true, about: "A stored backup could not be restored as it was." },
  restored: {
    level: "recovery",
    byDefault: true,
    about: "Somebody restored a backup with the command, and it is exact.",
  },
  "restore-failed": { level: "failure", byDefault: true, about: "What somebody restored is not what was backed up." },
  "dead-letter": { level: "failure", byDefault: true, about: "A message used up its attempts or can never succeed." },
  "daily-summary": { level: "information", byDefault: false, about: "Once a day: how every database stands." },
} as const satisfies Record<string, EventMeaning>;

export type EventKind = keyof typeof EVENTS;

export const EVENT_KINDS = Object.keys(EVENTS) as EventKind[];

/** What a new channel gets unless its owner says otherwise: failures, once each, and recovery. */
export const DEFAULT_EVENTS: readonly EventKind[] = EVENT_KINDS.filter((kind) => EVENTS[kind].byDefault);

export function isEventKind(text: string): text is EventKind {
  return Object.hasOwn(EVENTS, text);
}

/**
 * One event with what is needed to tell of it and is in no other table. Texts are for people; like every alert they hold
 * neither row data nor secrets. Times are milliseconds since the epoch.
 */
export type AlertEvent =
  | { readonly kind: "job-started" | "job-completed" | "job-failed" | "job-slow"; readonly job: string }
  /** Of all databases of a job, when it closes; of one, when its replay ended after that. */
  | {
      readonly kind: "recovered" | "size-deviated" | "backup-fuzzy";
      readonly job: string;
      readonly replayed: { readonly database: string; readonly generation: number } | null;
    }
  | { readonly kind: "backup-failed"; readonly job: string; readonly database: string; readonly generation: number }
  /** `job` is the id that the run has, or would have had. */
  | { readonly kind: "run-missed"; readonly job: string; readonly scheduledFor: number }
  /** `job` is the weekly one. */
  | { readonly kind: "archive-skipped"; readonly job: string; readonly reason: string }
  /** `error` names the first of what is missing. */
  | { readonly kind: "archive-incomplete"; readonly job: string; readonly missing: number; readonly error: string }
  | {
      readonly kind: "verify-mismatch";
      /** Stands for the object's content, such as its etag: the same mismatch is told once. At most 100 characters. */
      readonly content: string;
      readonly key: string;
      /** Null for a weekly archive. */
      readonly database: string | null;
      readonly error: string;
      /** Set when one run found so many that it does not tell of each: this stands for all of them, `key` is the first. */
      readonly many?: number;
    }
  | {
      readonly kind: "drill-failed";
      readonly drill: string;
      readonly key: string;
      readonly database: string;
      readonly error: string;
    }
  | {
      readonly kind: "restored" | "restore-failed";
      readonly restore: string;
      readonly key: string;
      readonly database: string;
      /** Where it went, in words: `D1 database shop`. */
      readonly target: string;
      /** Whether something was there before. */
      readonly isReplaced: boolean;
      readonly actor: string;
      /** What is wrong or worth knowing; null when there is nothing. */
      readonly error: string | null;
    }
  | {
      readonly kind: "dead-letter";
      readonly letter: string;
      readonly queue: string;
      readonly job: string | null;
      readonly database: string | null;
      /** Of the task that it stood for; null when it has none. */
      readonly generation: number | null;
      /** The channel whose alert died: it is not told of that. */
      readonly failedChannel: string | null;
    }
  | { readonly kind: "daily-summary"; readonly date: string }
  /** Asked for by a person, for one channel; no channel can subscribe to it. */
  | { readonly kind: "channel-test"; readonly test: string };

export function levelOf(kind: AlertEvent["kind"]): EventLevel {
  return kind === "channel-test" ? "information" : EVENTS[kind].level;
}

/**
 * The id of an event: the same event has the same id however often it is found, and a receiver that gets one twice may
 * drop the second. No `.` in it: signatures put one behind it. At most 200 characters, which a queue message holds it to.
 */
export function eventId(event: AlertEvent): string {
  switch (event.kind) {
    case "job-started":
    case "job-completed":
    case "job-failed":
    case "job-slow":
    case "run-missed":
    case "archive-skipped":
    case "archive-incomplete":
      return `${event.kind}:${event.job}`;
    case "recovered":
    case "size-deviated":
    case "backup-fuzzy": {
      const replayed = event.replayed === null ? "" : `:${event.replayed.database}:${event.replayed.generation}`;
      return `${event.kind}:${event.job}${replayed}`;
    }
    case "backup-failed":
      return `${event.kind}:${event.job}:${event.database}:${event.generation}`;
    case "verify-mismatch":
      return `${event.kind}:${event.content}`;
    case "drill-failed":
      return `${event.kind}:${event.drill}`;
    case "restored":
    case "restore-failed":
      return `${event.kind}:${event.restore}`;
    case "dead-letter":
      return isOneOfMany(event)
        ? `${event.kind}:${event.queue}:${event.job}${replayOf(event)}`
        : `${event.kind}:${event.letter}`;
    case "daily-summary":
      return `${event.kind}:${event.date}`;
    case "channel-test":
      return `${event.kind}:${event.test}`;
  }
}

type LetterEvent = Extract<AlertEvent, { kind: "dead-letter" }>;

/**
 * Whether an event stands for all letters of its job, queue and generation: a night on which everything fails must not
 * send hundreds. What dies again after a replay is of a later generation, and is told of again.
 */
export function isOneOfMany(
  event: LetterEvent,
): event is LetterEvent & { readonly job: string; readonly generation: number } {
  return event.job !== null && event.generation !== null;
}

function replayOf({ generation }: { readonly generation: number }): string {
  return generation === 1 ? "" : `:${generation}`;
}

/** The job and the database that an event belongs to, where it does. */
export function subjectOf(event: AlertEvent): { readonly job: string | null; readonly database: string | null } {
  const job = "job" in event ? event.job : null;
  if ("replayed" in event) return { job, database: event.replayed?.database ?? null };
  return { job, database: "database" in event ? event.database : null };
}
