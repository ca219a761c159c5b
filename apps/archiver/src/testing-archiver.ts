import { env } from "cloudflare:test";
import { MINUTE } from "@patina/core/date";
import { QUEUES } from "@patina/messages/queues";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { deliver, RecordedQueue } from "@patina/testkit/queue";
import worker from "./index.ts";

/** For tests inside workerd: the Worker over real bindings, any call of which can be made to fail. */
export interface TestArchiver {
  readonly faults: Faults;
  readonly upkeep: RecordedQueue;
  readonly results: RecordedQueue;
  readonly dead: RecordedQueue;
  readonly handle: (batch: MessageBatch) => Promise<void>;
}

export function testArchiver(plan: FaultPlan | null = null, bucket: R2Bucket = env.BUCKET): TestArchiver {
  const faults = new Faults(plan);
  const upkeep = new RecordedQueue();
  const results = new RecordedQueue();
  const dead = new RecordedQueue();
  const bindings = {
    CATALOG: faultyDatabase(env.CATALOG, faults),
    BUCKET: faultyBinding(bucket, faults),
    UPKEEP: faultyBinding(upkeep, faults),
    UPKEEP_DEAD: faultyBinding(dead, faults),
    RESULTS: faultyBinding(results, faults),
    ENVIRONMENT: "local",
  } as unknown as Env;
  return { faults, upkeep, results, dead, handle: (batch) => worker.queue(batch, bindings) };
}

/**
 * Delivers a message and those that the Worker sends itself, as production does, until all are acknowledged or dead;
 * leases of attempts that stopped run out in between.
 *
 * @returns bodies of the messages whose attempts were used up
 */
export async function runUpkeep(
  { handle, upkeep }: Pick<TestArchiver, "handle" | "upkeep">,
  message: unknown,
): Promise<unknown[]> {
  const dead: unknown[] = [];
  for (let waiting = [message]; waiting.length > 0; waiting = upkeep.sent.splice(0).map(({ body }) => body)) {
    const left = await deliver(waiting, {
      queue: QUEUES.upkeep,
      batchSize: 1,
      maxAttempts: 5,
      async handle(batch) {
        await env.CATALOG.prepare("update leases set expires_at = 0").run();
        await handle(batch);
      },
    });
    dead.push(...left);
  }
  return dead;
}

/** Handles a batch with a clock on which two minutes pass with every look at it: an invocation gets a few steps done. */
export function withLittleTime(handle: TestArchiver["handle"], count: () => unknown = () => undefined) {
  return async (batch: MessageBatch) => {
    const real = Date.now;
    const start = real();
    let steps = 0;
    Date.now = () => start + steps++ * 2 * MINUTE;
    count();
    try {
      await handle(batch);
    } finally {
      Date.now = real;
    }
  };
}
