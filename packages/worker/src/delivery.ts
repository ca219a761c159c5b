import { PatinaError } from "@patina/core/error";
import type { Outcome } from "@patina/core/outcome";
import { type DeadLetter, deadLetter } from "@patina/messages/dead-letter";
import { decode, type LiveQueue, type MessageOn } from "@patina/messages/message";
import { MAX_ATTEMPTS_OF } from "@patina/messages/queues";
import type { Log } from "./log.ts";

/** A queue message that was understood. */
export interface Delivery<M> {
  readonly id: string;
  readonly body: M;
  /** Deliveries of this message, this one included. */
  readonly attempts: number;
  readonly message: Message;
}

/** Where a message goes that is put off, and where one goes that cannot succeed. */
export interface Exits<M> {
  readonly queue: LiveQueue;
  readonly later?: Queue<M>;
  readonly dead: Queue<DeadLetter>;
  readonly log: Log;
}

/**
 * Decodes a batch. What is no message of this queue goes to the dead letters at once, with the place of the fault; its
 * neighbours are not affected.
 */
export async function decodeBatch<Q extends LiveQueue>(
  batch: MessageBatch,
  exits: Exits<MessageOn[Q]> & { readonly queue: Q },
): Promise<Delivery<MessageOn[Q]>[]> {
  const understood: Delivery<MessageOn[Q]>[] = [];
  for (const message of batch.messages) {
    const { id, attempts } = message;
    try {
      understood.push({ id, attempts, message, body: decode(exits.queue, message.body) });
    } catch (error) {
      if (!(error instanceof PatinaError)) throw error;
      await bury(message, { exits, error });
    }
  }
  return understood;
}

/** Carries out what the handler decided. After this the message is acknowledged or scheduled again. */
export async function settle<M extends object>(
  delivery: Delivery<M>,
  { outcome, exits }: { outcome: Outcome; exits: Exits<M> },
): Promise<void> {
  const { message } = delivery;
  switch (outcome.end) {
    case "done":
      message.ack();
      return;
    case "retry":
      // The queue would bury it too, but without its error.
      if (delivery.attempts >= (MAX_ATTEMPTS_OF[exits.queue] ?? Number.POSITIVE_INFINITY)) {
        return await bury(message, { exits, error: outcome.error });
      }
      exits.log.warn(
        { id: delivery.id, attempts: delivery.attempts, delaySeconds: outcome.delaySeconds, error: outcome.error },
        "Message will be tried again",
      );
      message.retry({ delaySeconds: outcome.delaySeconds });
      return;
    case "snooze": {
      if (exits.later === undefined) throw new PatinaError("internal", `Cannot put off messages on "${exits.queue}"`);
      const snoozes = "snoozes" in delivery.body ? Number(delivery.body.snoozes) : 0;
      await exits.later.send({ ...delivery.body, snoozes: snoozes + 1 }, { delaySeconds: outcome.delaySeconds });
      message.ack();
      return;
    }
    case "dead":
      await bury(message, { exits, error: outcome.error });
      return;
  }
}

async function bury<M>(message: Message, { exits, error }: { exits: Exits<M>; error: PatinaError }): Promise<void> {
  exits.log.error({ id: message.id, attempts: message.attempts, error }, "Message is a dead letter");
  await exits.dead.send(
    deadLetter({
      id: message.id,
      queue: exits.queue,
      attempts: message.attempts,
      sentAt: message.timestamp.getTime(),
      error: { code: error.code, message: error.message },
      body: message.body,
    }),
  );
  message.ack();
}
