/** What a webhook's answer means for the alert. */
export type Answer =
  | { readonly end: "accepted" }
  /** Send it again, not before so many seconds if the server said so. */
  | { readonly end: "later"; readonly afterSeconds: number | null; readonly reason: string }
  | { readonly end: "refused"; readonly reason: string };

/**
 * Reads an answer: 2xx is accepted; 429, 408, 425 and 5xx may pass; everything else, redirects too, is final.
 *
 * @param body the first few KB of the answer, for Discord's `retry_after`
 */
export function readAnswer(status: number, { retryAfter, body }: { retryAfter: string | null; body: string }): Answer {
  if (status >= 200 && status < 300) return { end: "accepted" };
  const reason = `HTTP ${status}`;
  if (status === 429) return { end: "later", afterSeconds: seconds(retryAfter) ?? discordSeconds(body), reason };
  if (status >= 500 || status === 408 || status === 425) {
    return { end: "later", afterSeconds: seconds(retryAfter), reason };
  }
  if (status >= 300 && status < 400) return { end: "refused", reason: `${reason}: redirects are not followed` };
  return { end: "refused", reason };
}

function seconds(header: string | null): number | null {
  if (header === null || !/^\d+(\.\d+)?$/.test(header.trim())) return null;
  return Math.ceil(Number(header));
}

/** Discord says in the body how many seconds to wait, with fractions. */
function discordSeconds(body: string): number | null {
  const found = /"retry_after"\s*:\s*(\d+(?:\.\d+)?)/.exec(body);
  return found === null ? null : Math.ceil(Number(found[1]));
}
