import { ERROR_CODES, type ErrorCode, type PatinaError } from "@patina/core/error";
import * as v from "valibot";

/** An RFC 9457 problem, with a stable code and the request's id, which is also in the logs. */
export const Problem = v.strictObject({
  type: v.pipe(v.string(), v.description("Where the code is explained: a place on this deployment's /docs.")),
  title: v.string(),
  status: v.number(),
  detail: v.string(),
  code: v.pipe(v.string(), v.description("Stable; see the list of codes.")),
  next: v.pipe(v.string(), v.description("What to do, in one sentence.")),
  request_id: v.string(),
});

/** Says what is wrong and what to do, and never repeats what was sent. */
export function problem(error: PatinaError, request: string): Response {
  const { status, next } = ERROR_CODES[error.code];
  const body = {
    type: `/docs#${error.code}`,
    title: titleOf(error.code),
    status,
    detail: error.message,
    code: error.code,
    next,
    request_id: request,
  } satisfies v.InferOutput<typeof Problem>;
  const headers = { "content-type": "application/problem+json", "cache-control": "no-store", ...HEADERS[error.code] };
  return new Response(JSON.stringify(body), { status, headers });
}

/** What clients know how to read of a failure: how to get in (RFC 9110, section 11.6.1), and when to come again, in seconds. */
const HEADERS: Partial<Record<ErrorCode, Readonly<Record<string, string>>>> = {
  unauthorized: { "www-authenticate": 'Bearer realm="patina"' },
  too_many_attempts: { "retry-after": "60" },
  request_under_way: { "retry-after": "60" },
};

export function titleOf(code: ErrorCode): string {
  const words = code.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
