import { type ErrorCode, PatinaError } from "@patina/core/error";

/** A failure of the bucket. R2 gives no codes over a binding, and what it does not do now it may do later. */
export function bucketError(key: string, cause: unknown): PatinaError {
  if (cause instanceof PatinaError) return cause;
  const text = platformText(cause);
  return new PatinaError(codeOf(text), `Cannot use object "${key}": ${text}`, { cause });
}

/** Codes of R2: developers.cloudflare.com/r2/api/error-codes. */
function codeOf(text: string): ErrorCode {
  if (/multipart upload does not exist|NoSuchUpload/i.test(text)) return "upload_lost";
  if (/locked by the bucket policy|\(10069\)/i.test(text)) return "object_locked";
  return "bucket_unavailable";
}

/** Asks the bucket for something about an object. */
export async function asking<T>(key: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw bucketError(key, cause);
  }
}

/**
 * The part of a platform's message that can hold no row data: its first line, without anything quoted that is longer
 * than a name.
 */
export function platformText(cause: unknown): string {
  const [line = ""] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
  return line.replaceAll(/(["'])(?:(?!\1).){65,}\1/g, "$1...$1").slice(0, 300);
}
