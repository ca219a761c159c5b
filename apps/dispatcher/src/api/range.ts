/** Which part of an answer a request wants (RFC 9110, sections 13 and 14). */
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

/** What the conditions of a request come to: 200 or 206, 412, or 304. */
export type Condition = "wanted" | "changed" | "known";

/**
 * Reads `If-Match`, compared strongly, and after it `If-None-Match`, compared weakly. Conditions by date are passed over,
 * as the RFC wants it of what has no date of modification (13.1.3, 13.1.4): which backup of a date is given does not go by
 * its age.
 *
 * @param etag of the whole, strong, with its quotes
 */
export function conditionOf(
  { ifMatch, ifNoneMatch }: { ifMatch: string | undefined; ifNoneMatch: string | undefined },
  etag: string,
): Condition {
  if (ifMatch !== undefined && !tagsOf(ifMatch).some((tag) => tag === "*" || tag === etag)) return "changed";
  const known = tagsOf(ifNoneMatch ?? "").map((tag) => tag.replace(/^W\//, ""));
  return known.includes("*") || known.includes(etag) ? "known" : "wanted";
}

function tagsOf(header: string): string[] {
  return header.split(",").map((tag) => tag.trim());
}
