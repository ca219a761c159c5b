import type { Catalog } from "@patina/catalog/catalog";
import { catalogFailure } from "@patina/catalog/failure";
import { leaseUntil, releaseLease, takeLease } from "@patina/catalog/leases";
import { nextOf, PatinaError } from "@patina/core/error";
import { TASK_LEASE } from "@patina/core/lease";
import { DONE, type Outcome, outcomeOfDelivery } from "@patina/core/outcome";
import type { ArchiveFinished, UpkeepMessage } from "@patina/messages/message";
import type { Log } from "@patina/worker/log";
import type { Budget } from "./budget.ts";
import type { ScratchDatabase } from "./scratch-state.ts";

/** What a piece of work needs of the world. */
export interface ArchiverContext {
  readonly catalog: Catalog;
  readonly bucket: R2Bucket;
  /** Where a piece of work that is not yet done sends itself on to. */
  readonly upkeep: Queue<UpkeepMessage>;
  readonly results: Queue<ArchiveFinished>;
  /** The scratch database of a drill, by the drill's id. */
  readonly scratch: (drill: string) => ScratchDatabase;
  /** What this invocation may still use. */
  readonly budget: Budget;
  readonly environment: string;
  readonly clock: () => number;
  /** Names this delivery in leases; unlike any other. */
  readonly holder: string;
  readonly log: Log;
}

/**
 * Does one piece of work. Throws when it fails: the error table says what then. What takes longer than one invocation
 * notes how far it came, sends its message on and returns DONE.
 */
type Handler<M extends UpkeepMessage> = (message: M, context: ArchiverContext) => Promise<Outcome>;

export type Handlers = {
  readonly [Kind in UpkeepMessage["kind"]]?: Handler<Extract<UpkeepMessage, { kind: Kind }>>;
};

/** How often a message waits before one that meets somebody else's lease is dropped: the tick finds work that is left over. */
const MAX_SNOOZES = 3;

/** Handles one message of patina-upkeep. A lease keeps two deliveries from doing the same piece of work at once. */
export async function handleUpkeep(
  message: UpkeepMessage,
  { attempts, handlers, ...context }: ArchiverContext & { readonly attempts: number; readonly handlers: Handlers },
): Promise<Outcome> {
  const { catalog, holder, clock, log } = context;
  const handler = handlers[message.kind] as Handler<UpkeepMessage> | undefined;
  if (handler === undefined) {
    const error = new PatinaError("invalid_message", `Cannot do "${message.kind}": this archiver does not know it`);
    return { end: "dead", error };
  }
  const name = pieceOf(message);
  const { snoozes, ...facts } = message;
  if (!(await takeLease(catalog, { name, holder, now: clock(), length: TASK_LEASE }))) {
    if (snoozes >= MAX_SNOOZES) return DONE;
    const until = (await leaseUntil(catalog, name)) ?? clock();
    return { end: "snooze", delaySeconds: Math.max(1, Math.ceil((until - clock()) / 1_000)) };
  }
  log.info(facts, "Upkeep started");
  try {
    const outcome = await handler(message, context);
    log.info({ ...facts, end: outcome.end }, "Upkeep ended");
    return outcome;
  } catch (thrown) {
    const error = catalogFailure(thrown);
    log.warn({ ...facts, error, next: nextOf(error.code, { isTriedAgain: true }) }, "Upkeep failed");
    return outcomeOfDelivery(error, { attempts, snoozes });
  } finally {
    await releaseLease(catalog, { name, holder });
  }
}

/** The lease of a piece of work: what may not be done twice at the same time. */
function pieceOf(message: UpkeepMessage): string {
  switch (message.kind) {
    case "archive-week":
      return `archive:${message.job}`;
    case "prune":
      // One at a time, whatever the plan: two plans must not both count on the same backup being kept.
      return "prune";
    case "verify":
      return `verify:${message.run}`;
    case "drill":
      return `drill:${message.database}`;
    case "rebuild-catalog":
      return "rebuild";
  }
}
