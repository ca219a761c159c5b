import { claimKey, type KeptAnswer, keepAnswer, releaseKey, type Seed } from "@patina/catalog/idempotency";
import { ERROR_CODES, PatinaError } from "@patina/core/error";
import type { Context } from "hono";
import type { Api } from "./app.ts";
import type { HeaderField } from "./operation.ts";

/** The header with which a client may repeat a request without doing it twice (draft-ietf-httpapi-idempotency-key-header). */
export const IDEMPOTENCY_KEY: HeaderField = {
  name: "Idempotency-Key",
  description:
    "1 to 255 visible ASCII characters. A request that is repeated with the same key within a day is carried out once, and gets the first one's answer with `Idempotent-Replayed: true`.",
};

/** What any operation with a key can meet. */
export const KEY_PROBLEMS = ["request_under_way", "key_reused"] as const;

/**
 * Carries a request out, once if it has an `Idempotency-Key`.
 *
 * @throws {PatinaError} `key_reused` for a key of another request, `request_under_way` while the first is not finished
 */
export async function once(
  c: Context<Api>,
  { asked, act, shownOnce }: { asked: unknown; act: (seed: Seed) => Promise<Response>; shownOnce: readonly string[] },
): Promise<Response> {
  const { catalog, clock } = c.get("context");
  const fresh = { at: clock(), entropy: hex(crypto.getRandomValues(new Uint8Array(16))) };
  const key = c.req.header(IDEMPOTENCY_KEY.name);
  if (key === undefined) return await act(fresh);
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new PatinaError("invalid_request", "Cannot read request: wrong is the header Idempotency-Key");
  }
  const ref = { principal: c.get("principal").name, key };
  const digest = await digestOf([c.req.method, c.req.path, asked]);
  const claim = await claimKey(catalog, { ref, digest, seed: fresh });
  switch (claim.end) {
    case "different":
      throw new PatinaError("key_reused", "Cannot do this: the Idempotency-Key was used for another request");
    case "busy":
      throw new PatinaError(
        "request_under_way",
        "Cannot do this again: the first request with the key is not finished",
      );
    case "answered":
      return replayed(claim.answer);
    case "claimed":
      break;
  }
  try {
    const answer = await act(claim.seed);
    const body = without(shownOnce, await answer.clone().text());
    await keepAnswer(catalog, {
      ref,
      answer: { status: answer.status, body, location: answer.headers.get("location") },
    });
    return answer;
  } catch (thrown) {
    // A refusal has changed nothing. After anything else the key stays, and who repeats the request goes on with its seed.
    if (thrown instanceof PatinaError && ERROR_CODES[thrown.code].status < 500) await releaseKey(catalog, ref);
    throw thrown;
  }
}

/** The catalog keeps answers for a day, and is backed up: what is shown once is not kept. */
function without(fields: readonly string[], answer: string): string {
  if (fields.length === 0) return answer;
  const none = Object.fromEntries(fields.map((field) => [field, null]));
  return JSON.stringify({ ...JSON.parse(answer), ...none });
}

function replayed({ status, body, location }: KeptAnswer): Response {
  const headers = new Headers({ "content-type": "application/json", "idempotent-replayed": "true" });
  if (location !== null) headers.set("location", location);
  return new Response(body, { status, headers });
}

async function digestOf(request: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(request));
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
