import * as v from "valibot";

/** The number of a page in a query string; 1 for anything that is none. */
export const PageNumber = v.fallback(v.pipe(v.string(), v.regex(/^[1-9]\d{0,5}$/), v.transform(Number)), 1);
