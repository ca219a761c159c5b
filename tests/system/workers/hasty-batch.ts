/** A batch whose messages, when they are to be tried again, come back at once instead of after their delay. */
export function hasty(batch: MessageBatch, messages: readonly Message[] = batch.messages): MessageBatch {
  return {
    queue: batch.queue,
    metadata: batch.metadata,
    messages: messages.map(({ id, timestamp, body, attempts }, i) => ({
      id,
      timestamp,
      body,
      attempts,
      ack: () => messages[i]?.ack(),
      retry: () => messages[i]?.retry({ delaySeconds: 0 }),
    })),
    ackAll: () => batch.ackAll(),
    retryAll: () => batch.retryAll({ delaySeconds: 0 }),
  };
}
