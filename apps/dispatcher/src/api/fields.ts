import { isDate } from "@patina/core/date";
import { DATABASE_NAME, DATABASE_NAME_RULE } from "@patina/core/job";
import * as v from "valibot";

/** Kinds of values that requests and answers are made of. */

export const DatabaseName = v.pipe(
  v.string(),
  v.regex(DATABASE_NAME, DATABASE_NAME_RULE),
  v.description(`A registered database: ${DATABASE_NAME_RULE}.`),
);

export const Day = v.pipe(
  v.string(),
  v.isoDate("not a date"),
  v.check(isDate, "not a date"),
  v.description("A date in UTC, such as 2026-11-20."),
);

export const Time = v.pipe(v.string(), v.isoTimestamp(), v.description("A time in UTC, RFC 3339."));

/** A number that counts something, sizes in bytes included. */
export const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/), v.description("SHA-256, in hexadecimal."));

const REASON = "1 to 200 characters";

export const Reason = v.pipe(
  v.string(),
  v.trim(),
  v.minLength(1, REASON),
  v.maxLength(200, REASON),
  v.description("Why, for people."),
);

/** Yes or no in a query. */
export const Flag = v.pipe(
  v.picklist(["true", "false"]),
  v.transform((text) => text === "true"),
  v.boolean(),
);
