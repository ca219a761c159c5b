import { ERROR_CODES, type ErrorCode, type PatinaError } from "@patina/core/error";

/** Where the codes are explained. */
const DOCS = "https://patina.example/errors";

/**
 * An RFC 9457 problem. It says what is wrong and what to do, and never repeats what was sent.
 *
 * @param request the request's id, which is also in the logs
 */
export function problem(error: PatinaError, request: string): Response {
  const { status, next } = ERROR_CODES[error.code];
  const body = {
    type: `${DOCS}#${error.code}`,
    title: titleOf(error.code),
    status,
    detail: error.message,
    code: error.code,
    next,
    request_id: request,
  };
  const headers = { "content-type": "application/problem+json", "cache-control": "no-store" };
  return new Response(JSON.stringify(body), { status, headers });
}

function titleOf(code: ErrorCode): string {
  const words = code.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
