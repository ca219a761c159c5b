import * as v from "valibot";

/** How long lists are answered: in pages, each of which says where the next begins. */

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;

const Limit = v.pipe(
  v.string(),
  v.regex(/^\d{1,3}$/),
  v.transform(Number),
  v.number(),
  v.integer(),
  v.minValue(1),
  v.maxValue(MAX_LIMIT),
  v.description(`How many at most; ${DEFAULT_LIMIT} when absent.`),
);

/**
 * Fields of a query that asks for a page.
 *
 * @param place what says where a page begins: values of the last entry before it
 */
export function paging<P extends v.GenericSchema<unknown, readonly (string | number)[]>>(place: P) {
  const Cursor = v.pipe(
    v.string(),
    v.maxLength(1_000),
    v.rawTransform<string, unknown>(({ dataset, addIssue, NEVER }) => {
      const decoded = decode(dataset.value);
      if (decoded !== undefined) return decoded;
      addIssue({ message: "not a cursor" });
      return NEVER;
    }),
    place,
    v.description("`next_cursor` of the page before, as it was given."),
  );
  return { limit: v.optional(Limit), cursor: v.optional(Cursor) };
}

/** Further fields of an answer that is a page. */
export const PAGE = {
  next_cursor: v.pipe(v.nullable(v.string()), v.description("Where the next page begins; null on the last one.")),
};

/** How many entries to read for a page: one more than it has, to know whether there is another. */
export function pageSize(limit: number | undefined): { limit: number; read: number } {
  const size = limit ?? DEFAULT_LIMIT;
  return { limit: size, read: size + 1 };
}

/** Cuts what was read to a page. */
export function pageOf<T>(
  entries: readonly T[],
  { limit, placeOf }: { limit: number; placeOf: (last: T) => readonly (string | number)[] },
): { entries: readonly T[]; next_cursor: string | null } {
  const shown = entries.slice(0, limit);
  const last = shown.at(-1);
  return { entries: shown, next_cursor: entries.length > limit && last !== undefined ? encode(placeOf(last)) : null };
}

function encode(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

function decode(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    return undefined;
  }
}
