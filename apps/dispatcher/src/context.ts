import type { Catalog } from "@patina/catalog/catalog";
import type { AlertDue, ExportRequested, MessageOn, UpkeepMessage } from "@patina/messages/message";
import type { QUEUES } from "@patina/messages/queues";
import type { Log } from "@patina/worker/log";

/** What the crons, the tick and the API of the dispatcher need of the world. */
export interface DispatcherContext {
  readonly catalog: Catalog;
  readonly exports: Queue<ExportRequested>;
  readonly results: Queue<MessageOn[typeof QUEUES.results]>;
  readonly alerts: Queue<AlertDue>;
  readonly upkeep: Queue<UpkeepMessage>;
  readonly clock: () => number;
  /** Names this invocation in leases; unlike any other. */
  readonly holder: string;
  readonly log: Log;
}
