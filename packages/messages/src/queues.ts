/**
 * Every queue of Patina. The wrangler.toml files must agree with this list (tests/architecture holds them together):
 * each queue, dead ones included, is also declared as a producer, because only then does `wrangler deploy` create it.
 */
export const QUEUES = {
  exports: "patina-exports",
  results: "patina-results",
  alerts: "patina-alerts",
  upkeep: "patina-upkeep",
  exportsDead: "patina-exports-dead",
  resultsDead: "patina-results-dead",
  alertsDead: "patina-alerts-dead",
  upkeepDead: "patina-upkeep-dead",
} as const;

export type QueueName = (typeof QUEUES)[keyof typeof QUEUES];

/** The dead-letter queue of each queue that has one. */
export const DEAD_QUEUE_OF: Partial<Record<QueueName, QueueName>> = {
  [QUEUES.exports]: QUEUES.exportsDead,
  [QUEUES.results]: QUEUES.resultsDead,
  [QUEUES.alerts]: QUEUES.alertsDead,
  [QUEUES.upkeep]: QUEUES.upkeepDead,
};

/** Deliveries of a message before it is a dead letter: `max_retries` of the queue's consumer and the first. */
export const MAX_ATTEMPTS_OF: Partial<Record<QueueName, number>> = {
  [QUEUES.exports]: 3,
  [QUEUES.results]: 11,
  [QUEUES.alerts]: 11,
  [QUEUES.upkeep]: 5,
};

/** A message with the about 100 bytes of metadata that count towards the limit of 128 KB (1 KB = 1,000 B). */
export const MAX_MESSAGE_BYTES = 127_000;

/** `sendBatch` takes at most 100 messages and 256 KB (developers.cloudflare.com/queues/platform/limits). */
export const MAX_BATCH_MESSAGES = 100;
export const MAX_BATCH_BYTES = 250_000;
