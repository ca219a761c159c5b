import { setTimeout as pause } from "node:timers/promises";
import { PatinaError } from "@patina/core/error";
import retry from "p-retry";
import { isPassing, problemOf } from "./api/problem.ts";
import { CommandError, EXIT } from "./failure.ts";

/** How often a request that does not get through is sent again, and the first pause; each one is twice as long. */
const RETRIES = 3;
const FIRST_PAUSE_MS = 250;
const TIMEOUT_MS = 60_000;

/** How often a stream that breaks off is asked for again before anything more has come. */
const STREAM_RETRIES = 5;

/** An answer, with its body read to the end: one that breaks off half-way counts as none. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer<ArrayBuffer>;
}

/**
 * Sends a request, again when the network or the server fails, unless it must not arrive twice. A server that says in
 * words what is wrong has answered.
 *
 * @param request makes it anew for each try
 * @throws {CommandError} exit 13 when no try came through
 */
export async function ask(request: () => Promise<Request>, options: { isOnce?: boolean } = {}): Promise<Answer> {
  let origin = "the server";
  const once = async (): Promise<Answer> => {
    const asked = await request();
    origin = new URL(asked.url).origin;
    const answer = await read(await fetch(asked, { signal: AbortSignal.timeout(TIMEOUT_MS) }));
    if (hasFailed(answer)) throw new ServerFailure(answer);
    return answer;
  };
  try {
    return await retry(once, { retries: options.isOnce ? 0 : RETRIES, minTimeout: FIRST_PAUSE_MS });
  } catch (cause) {
    if (cause instanceof ServerFailure && problemOf(cause.answer) !== null) return cause.answer;
    throw unreachable(origin, cause);
  }
}

async function read(answer: Response): Promise<Answer> {
  const body = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, headers: answer.headers, body };
}

/** Whether the next try may go better. */
function hasFailed(answer: Answer): boolean {
  if (answer.status < 500 && answer.status !== 429) return false;
  const problem = problemOf(answer);
  return problem === null || isPassing(problem.code);
}

class ServerFailure extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`it answered HTTP ${answer.status}`);
    this.name = "ServerFailure";
    this.answer = answer;
  }
}

/** An answer whose body is still to come. */
export interface Stream {
  readonly status: number;
  readonly headers: Headers;
  /** What comes next; null at the end. Silence for a minute is a failure. */
  next(): Promise<Uint8Array | null>;
  close(): void;
}

/** Begins to read an answer; one that is no success is read to its end, and given instead. */
export async function openStream(request: Request): Promise<Stream | Answer> {
  const stop = new AbortController();
  const answer = await patiently(fetch(request, { signal: stop.signal }), stop);
  if (!answer.ok) {
    const refusal = await patiently(read(answer), stop);
    if (hasFailed(refusal) && problemOf(refusal) === null) throw new ServerFailure(refusal);
    return refusal;
  }
  const reader = answer.body?.getReader();
  return {
    status: answer.status,
    headers: answer.headers,
    async next() {
      if (reader === undefined) return null;
      const { done, value } = await patiently(reader.read(), stop);
      return done ? null : value;
    },
    close: () => stop.abort(),
  };
}

/** Waits for something that an answer has to bring; for a minute at most. */
async function patiently<T>(wanted: Promise<T>, stop: AbortController): Promise<T> {
  const silent = new Error(`nothing came for ${TIMEOUT_MS / 1_000} s`);
  const timer = setTimeout(() => stop.abort(silent), TIMEOUT_MS);
  try {
    return await wanted;
  } finally {
    clearTimeout(timer);
  }
}

/** Counts the failures of one stream since something last came, and waits between them, twice as long each time. */
export class Patience {
  readonly #origin: string;
  #failures = 0;

  constructor(url: string) {
    this.#origin = new URL(url).origin;
  }

  /** Something has come: all is forgiven. */
  renew(): void {
    this.#failures = 0;
  }

  /**
   * Waits before the next try.
   *
   * @throws the failure itself when the next try would fail alike; {CommandError} exit 13 when there were too many
   */
  async endure(failure: unknown): Promise<void> {
    const isOver = failure instanceof PatinaError ? !isPassing(failure.code) : failure instanceof CommandError;
    if (isOver) throw failure;
    if (this.#failures === STREAM_RETRIES) {
      throw failure instanceof PatinaError ? failure : unreachable(this.#origin, failure);
    }
    await pause(FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
  }
}

function unreachable(origin: string, cause: unknown): CommandError {
  return new CommandError(`Cannot reach ${origin}: ${reasonOf(cause)}`, {
    exit: EXIT.unreachable,
    hint: "Check the address and the network, then run the command again.",
    cause,
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}
