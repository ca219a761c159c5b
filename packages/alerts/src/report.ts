import type { Consistency, JobKind, JobStatus } from "@patina/core/job";
import type { AlertEvent, EventLevel } from "./event.ts";

/**
 * What one alert tells, whatever its event and whatever the channel: every channel is written from this alone. It is read
 * from the catalog when the alert is sent. Times are milliseconds since the epoch, sizes bytes.
 */
export interface Report {
  /** The event's id: a receiver that sees one twice (a crash while sending) may drop the second. */
  readonly id: string;
  readonly event: AlertEvent;
  readonly level: EventLevel;
  readonly environment: string;
  /** When it happened, and when this is written. */
  readonly at: number;
  readonly now: number;
  /** Where the dashboard is, such as `https://patina.example`; null when nobody has said. */
  readonly home: string | null;
  readonly job: JobReport | null;
  /** The databases that it is about; none of them is left out here. */
  readonly databases: readonly DatabaseReport[];
  /** Of dead letters: all of the same job and queue. */
  readonly letters: LettersReport | null;
}

export interface JobReport {
  readonly id: string;
  readonly kind: JobKind;
  readonly status: JobStatus;
  readonly date: string;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly databases: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly rows: number;
  readonly rawBytes: number;
  readonly storedBytes: number;
  /** Of a weekly job: what is wrong with its archive. */
  readonly error: string | null;
}

export interface DatabaseReport {
  readonly name: string;
  /** Of its task in the job, or else of its last one. */
  readonly state: "waiting" | "succeeded" | "failed";
  readonly consistency: Consistency | null;
  readonly rows: number | null;
  readonly rawBytes: number | null;
  readonly storedBytes: number | null;
  readonly durationMs: number | null;
  readonly key: string | null;
  readonly warnings: readonly string[];
  readonly attempts: number;
  readonly error: { readonly code: string; readonly message: string; readonly next: string } | null;
  /** The newest backup of this database that exists, this job's included. */
  readonly lastGood: { readonly job: string; readonly key: string; readonly at: number } | null;
  /** How many of its runs had failed in a row, this one included if it did, and since when. */
  readonly failures: number;
  readonly failingSince: number | null;
  /** The size it was expected to have. */
  readonly baselineBytes: number | null;
}

export interface LettersReport {
  readonly count: number;
  /** The last error of the newest of them. */
  readonly error: string | null;
}
