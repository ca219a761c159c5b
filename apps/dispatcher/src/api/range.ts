/** Which part of an answer a request wants, and whether it has it already (RFC 9110, sections 13 and 14). */
export type Wanted =
  | { readonly is: "whole" }
  | { readonly is: "part"; readonly offset: number; readonly length: number }
  /** It asks for bytes that are not there: 416. */
  | { readonly is: "outside" };

const WHOLE: Wanted = { is: "whole" };

/**
 * Reads a `Range` header. One range is served; a header with several, or one that is not understood, may be ignored and
 * is, as is a range of a representation that `If-Range` says has changed.
 *
 * @param size bytes of the whole
 * @param etag of the whole, strong, with its quotes
 */
export function wantedOf(
  { range, ifRange }: { range: string | undefined; ifRange: string | undefined },
  { size, etag }: { size: number; etag: string },
): Wanted {
  if (ifRange !== undefined && ifRange !== etag) return WHOLE;
  const [matched, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range ?? "") ?? [];
  if (matched === undefined || (first === "" && last === "")) return WHOLE;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? { is: "outside" } : { is: "part", offset: size - length, length };
  }
  const offset = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < offset) return WHOLE;
  return offset >= size ? { is: "outside" } : { is: "part", offset, length: end - offset };
}

/** Whether `If-None-Match` names what the server has: then it need not be sent. Compared weakly, as the RFC says. */
export function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === "*") return true;
  return ifNoneMatch.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}
