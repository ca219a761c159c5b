import type { Consistency, JobKind, JobStatus } from "@patina/core/job";

/** What an alert tells: everything is read from the catalog when it is sent. Times are milliseconds since the epoch. */
export interface JobReport {
  /** Unique per event: a receiver that sees one twice (a crash while sending) may drop the second. */
  readonly event: string;
  readonly kind: "job-completed" | "job-failed" | "job-slow";
  readonly environment: string;
  readonly job: {
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
  };
  readonly databases: readonly DatabaseReport[];
  readonly now: number;
}

export interface DatabaseReport {
  readonly name: string;
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
}
