import retry from "p-retry";
import { CommandError, EXIT } from "./failure.ts";

/** How often a request that does not get through is sent again, and the first pause; each one is twice as long. */
const RETRIES = 3;
const FIRST_PAUSE_MS = 250;
const TIMEOUT_MS = 60_000;

/** An answer, with its body read to the end: one that breaks off half-way counts as none. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer<ArrayBuffer>;
}

/**
 * Sends a request, again when the network or the server fails, unless it must not arrive twice.
 *
 * @param request makes it anew for each try
 * @throws {CommandError} exit 13 when no try came through
 */
export async function ask(request: () => Promise<Request>, options: { isOnce?: boolean } = {}): Promise<Answer> {
  let origin = "the server";
  const once = async (): Promise<Answer> => {
    const asked = await request();
    origin = new URL(asked.url).origin;
    const answer = await fetch(asked, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const body = Buffer.from(await answer.arrayBuffer());
    if (answer.status >= 500 || answer.status === 429) throw new ServerFailure(answer.status);
    return { status: answer.status, headers: answer.headers, body };
  };
  try {
    return await retry(once, { retries: options.isOnce ? 0 : RETRIES, minTimeout: FIRST_PAUSE_MS });
  } catch (cause) {
    throw new CommandError(`Cannot reach ${origin}: ${reasonOf(cause)}`, {
      exit: EXIT.unreachable,
      hint: "Check the address and the network, then run the command again.",
      cause,
    });
  }
}

class ServerFailure extends Error {
  constructor(status: number) {
    super(`it answered HTTP ${status}`);
    this.name = "ServerFailure";
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}
