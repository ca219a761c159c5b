import type { Actor } from "@patina/catalog/audit";
import { type LetterFilter, listDeadLetters } from "@patina/catalog/dead-letters";
import { handOverAlerts } from "@patina/catalog/outbox";
import { markReplaySent, pendingReplays, type Replayed, replayDeadLetters } from "@patina/catalog/replay";
import { PatinaError } from "@patina/core/error";
import type { LiveQueue, Message } from "@patina/messages/message";
import { QUEUES } from "@patina/messages/queues";
import { fanOut } from "./fan-out.ts";
import type { DispatcherContext } from "./scheduled.ts";

/** Letters that "replay all matching" takes on at once; the answer says that there are more. */
const MAX_REPLAYS = 500;

/** Messages of replays that are sent at once; the tick comes back for the rest. */
const MAX_MESSAGES = 1_000;

/** What became of the letters that were to be replayed. */
export interface ReplayAnswer {
  readonly letters: readonly Replayed[];
  /** Whether more letters match than were taken on. */
  readonly isMore: boolean;
}

/**
 * Replays dead letters by their ids and sends what that takes. What could not be sent, the tick sends.
 *
 * @throws {PatinaError} `invalid_request` for more than MAX_REPLAYS ids
 */
export async function replay(
  ids: readonly string[],
  { actor, ...context }: DispatcherContext & { readonly actor: Actor },
): Promise<readonly Replayed[]> {
  if (ids.length > MAX_REPLAYS) {
    throw new PatinaError("invalid_request", `Cannot replay dead letters: at most ${MAX_REPLAYS} go at once`);
  }
  const { catalog, clock } = context;
  const entropy = () => crypto.getRandomValues(new Uint8Array(3));
  const letters = await replayDeadLetters(catalog, { ids: [...new Set(ids)], actor, now: clock(), entropy });
  const jobs = new Set(
    letters.flatMap((letter) => (letter.end === "replayed" && letter.job !== null ? letter.job : [])),
  );
  for (const job of jobs) await fanOut(job, context);
  await sendReplays(context);
  await handOverAlerts(catalog, { queue: context.alerts, now: clock() });
  return letters;
}

/** Replays every open letter that matches, the oldest last. */
export async function replayMatching(
  filter: Omit<LetterFilter, "state">,
  context: DispatcherContext & { readonly actor: Actor },
): Promise<ReplayAnswer> {
  const open = await listDeadLetters(context.catalog, {
    filter: { ...filter, state: "open" },
    limit: MAX_REPLAYS + 1,
  });
  const ids = open.slice(0, MAX_REPLAYS).map(({ id }) => id);
  return { letters: await replay(ids, context), isMore: open.length > MAX_REPLAYS };
}

/** Sends the messages of replays that nobody has sent yet, each before it is noted: a repeat changes nothing. */
export async function sendReplays(context: DispatcherContext): Promise<void> {
  const { catalog, clock, log } = context;
  for (const { id, queue, message } of await pendingReplays(catalog, MAX_MESSAGES)) {
    await producerOf(queue, context).send(message);
    await markReplaySent(catalog, { id, now: clock() });
    log.info({ id, kind: message.kind }, "Replayed message sent");
  }
}

/** A letter's message was decoded as one of its queue: that is the queue it goes back to. */
function producerOf(queue: LiveQueue, { exports, results, alerts, upkeep }: DispatcherContext): Queue<Message> {
  switch (queue) {
    case QUEUES.exports:
      return exports;
    case QUEUES.results:
      return results;
    case QUEUES.alerts:
      return alerts;
    case QUEUES.upkeep:
      return upkeep;
  }
}
