import { PatinaError } from "@patina/core/error";

/** A shorter token is refused: it could be guessed. */
const MIN_TOKEN = 16;

/**
 * Checks the bearer token of a request.
 *
 * @throws {PatinaError} `not_configured` when no usable token is set, `unauthorized` when the request's is not it
 */
export async function authorize(header: string | undefined, token: string | undefined): Promise<void> {
  if (token === undefined || token.length < MIN_TOKEN) {
    throw new PatinaError(
      "not_configured",
      `Cannot serve: ADMIN_TOKEN is not set, or shorter than ${MIN_TOKEN} characters`,
    );
  }
  const [, given] = /^Bearer +(\S+)$/i.exec(header ?? "") ?? [];
  if (given === undefined || !(await isEqual(given, token))) {
    throw new PatinaError("unauthorized", "Cannot serve: the bearer token is missing or wrong");
  }
}

/** Compares digests of equal length in constant time: neither length nor a common beginning can be measured. */
async function isEqual(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([sha256(a), sha256(b)]);
  return crypto.subtle.timingSafeEqual(left, right);
}

async function sha256(text: string): Promise<ArrayBuffer> {
  return await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
