/** A queue that remembers what was sent, for code that sends. */
export class RecordedQueue<Body = unknown> {
  readonly sent: { readonly body: Body; readonly delaySeconds: number }[] = [];
  /** Sizes of the sendBatch() calls. */
  readonly batches: number[] = [];
  /** What metrics() says is waiting. */
  backlog = 0;

  async send(body: Body, options: { delaySeconds?: number } = {}): Promise<QueueSendResponse> {
    this.sent.push({ body: structuredClone(body), delaySeconds: options.delaySeconds ?? 0 });
    return RESPONSE;
  }

  async sendBatch(messages: Iterable<MessageSendRequest<Body>>): Promise<QueueSendBatchResponse> {
    const list = [...messages];
    if (list.length > 100) throw new Error("Too many messages in one batch");
    this.batches.push(list.length);
    for (const { body, delaySeconds = 0 } of list) this.sent.push({ body: structuredClone(body), delaySeconds });
    return RESPONSE;
  }

  async metrics(): Promise<QueueMetrics> {
    return { backlogCount: this.backlog, backlogBytes: this.backlog * 100 };
  }

  get bodies(): Body[] {
    return this.sent.map(({ body }) => body);
  }
}

const RESPONSE = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };

/** What became of a delivered message. */
export type Settled = { readonly end: "acked" } | { readonly end: "retried"; readonly delaySeconds: number } | null;

/** One message as a consumer gets it; what it decides is in `settled`. */
export class TestMessage implements Message {
  readonly id: string;
  readonly timestamp: Date;
  readonly body: unknown;
  readonly attempts: number;
  settled: Settled = null;

  constructor(body: unknown, options: { id?: string; attempts?: number; timestamp?: number } = {}) {
    this.body = body;
    this.id = options.id ?? crypto.randomUUID();
    this.attempts = options.attempts ?? 1;
    this.timestamp = new Date(options.timestamp ?? 0);
  }

  // The first decision counts, as on the platform.
  ack(): void {
    this.settled ??= { end: "acked" };
  }

  retry(options: { delaySeconds?: number } = {}): void {
    this.settled ??= { end: "retried", delaySeconds: options.delaySeconds ?? 0 };
  }
}

export function batchOf(queue: string, messages: readonly TestMessage[]): MessageBatch {
  return {
    queue,
    messages,
    metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
    ackAll() {
      for (const message of messages) message.ack();
    },
    retryAll(options = {}) {
      for (const message of messages) message.retry(options);
    },
  };
}

/**
 * Delivers messages as a queue does: in batches, again after a retry or when the handler throws, until each is
 * acknowledged or has had all its attempts.
 *
 * @returns bodies of the messages whose attempts were used up; the queue would put these into its dead-letter queue
 */
export async function deliver(
  bodies: readonly unknown[],
  options: {
    queue: string;
    batchSize: number;
    maxAttempts: number;
    handle: (batch: MessageBatch) => Promise<void>;
  },
): Promise<unknown[]> {
  const dead: unknown[] = [];
  let waiting = bodies.map((body, i) => ({ body, id: `message-${i}`, attempts: 1 }));
  while (waiting.length > 0) {
    const now = waiting.splice(0, options.batchSize);
    const messages = now.map(({ body, ...rest }) => new TestMessage(body, rest));
    await options.handle(batchOf(options.queue, messages)).catch(() => {
      for (const message of messages) message.retry();
    });
    for (const [i, entry] of now.entries()) {
      if (messages[i]?.settled?.end !== "retried") continue;
      if (entry.attempts >= options.maxAttempts) dead.push(entry.body);
      else waiting = [...waiting, { ...entry, attempts: entry.attempts + 1 }];
    }
  }
  return dead;
}
