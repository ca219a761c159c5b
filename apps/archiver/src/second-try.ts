import { PatinaError } from "@patina/core/error";

/** Does once more what failed because the bucket did not answer: mostly it does the second time. */
export async function secondTry<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!isOfBucket(error)) throw error;
    return await act();
  }
}

/** Whether the bucket did not answer, which says nothing of what lies in it. */
export function isOfBucket(error: unknown): boolean {
  return error instanceof PatinaError && error.code === "bucket_unavailable";
}
