import type { ErrorCode } from "@patina/core/error";
import type { Preflight } from "@patina/dump/preflight";

/**
 * What the dispatcher asks the exporter for: its entrypoint `Preflights`, over a service binding. It tells names, counts
 * and sentences about a database, never a value: the Worker that faces the internet still reads no source database.
 * Failures are answers: an error that crosses a service binding loses its code.
 */
export interface Preflights {
  /** Looks at a registered database with the rules that its backups follow. Reads a few hundred rows of each table. */
  preflight(database: string): Promise<PreflightAnswer>;
  /** Whether the exporter has the key that digests of redacted columns need. */
  hasRedactionKey(): Promise<boolean>;
}

export type PreflightAnswer =
  | { readonly end: "looked"; readonly preflight: Preflight }
  | { readonly end: "refused"; readonly code: ErrorCode; readonly message: string };
