import { ERROR_CODES, isErrorCode, PatinaError } from "@patina/core/error";
import * as v from "valibot";

const Problem = v.object({ detail: v.string(), code: v.string(), next: v.optional(v.string()) });
/** What Patina's API says when it refuses or fails (RFC 9457). */
export type Problem = v.InferOutput<typeof Problem>;

/** The problem that an answer is; null when it is none of Patina's. */
export function problemOf({ status, body }: { status: number; body: Buffer }): Problem | null {
  if (status < 400) return null;
  const problem = v.safeParse(Problem, jsonOf(body));
  return problem.success ? problem.output : null;
}

/** Text as JSON; null when it is none. */
export function jsonOf(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString());
  } catch {
    return null;
  }
}

/** Whether a failure may be over by the next try: a code that Patina itself would try again. */
export function isPassing(code: string): boolean {
  return isErrorCode(code) && code !== "internal" && ERROR_CODES[code].disposition === "retry";
}

/** A problem as the failure it stands for; null for a code that this version does not know. */
export function failureOf({ code, detail }: Problem): PatinaError | null {
  return isErrorCode(code) && code !== "internal" ? new PatinaError(code, detail) : null;
}
