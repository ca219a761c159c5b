import type { Actor } from "@patina/catalog/audit";
import type { Catalog } from "@patina/catalog/catalog";
import { type LetterFilter, listDeadLetters } from "@patina/catalog/dead-letters";
import { handOverAlerts } from "@patina/catalog/outbox";
import { markReplaySent, pendingReplays, type Replayed, replayDeadLetters } from "@patina/catalog/replay";
import { PatinaError } from "@patina/core/error";
import type { LiveQueue, Message } from "@patina/messages/message";
import { QUEUES } from "@patina/messages/queues";
import type { DispatcherContext } from "./context.ts";
import { fanOut } from "./fan-out.ts";

/**
 * Letters that are replayed at once; the answer of "replay all matching" says that there are more. D1 allows 1,000 queries
 * an invocation, and a letter takes up to eight, those of its message included.
 */
export const MAX_REPLAYS = 100;

/** Messages of replays that are sent at once; the tick comes back for the rest. */
const MAX_MESSAGES = 100;

/** Pages of letters that are looked through for some that can be replayed. */
const MAX_PAGES = 20;

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

/** Replays open letters that match, the oldest last. Those that are refused stay open and do not hide the ones behind them. */
export async function replayMatching(
  filter: Omit<LetterFilter, "state">,
  context: DispatcherContext & { readonly actor: Actor },
): Promise<ReplayAnswer> {
  const letters: Replayed[] = [];
  let before = Number.MAX_SAFE_INTEGER;
  let room = MAX_REPLAYS;
  for (let page = 0; page < MAX_PAGES && room > 0; page += 1) {
    const open = await listOpen(filter, { catalog: context.catalog, before, limit: room });
    if (open.length === 0) return { letters, isMore: false };
    const ended = await replay(
      open.map(({ id }) => id),
      context,
    );
    letters.push(...ended);
    room -= ended.filter(({ end }) => end === "replayed").length;
    before = open.at(-1)?.number ?? 0;
  }
  const rest = await listOpen(filter, { catalog: context.catalog, before, limit: 1 });
  return { letters, isMore: rest.length > 0 };
}

async function listOpen(
  filter: Omit<LetterFilter, "state">,
  { catalog, ...page }: { catalog: Catalog; before: number; limit: number },
) {
  return await listDeadLetters(catalog, { filter: { ...filter, state: "open" }, ...page });
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
