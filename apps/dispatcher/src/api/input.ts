import { PatinaError } from "@patina/core/error";
import * as v from "valibot";

/** The fields that a part of a request may have; any other is refused. */
export type Fields = v.StrictObjectSchema<v.ObjectEntries, undefined>;

/**
 * Reads and checks the JSON body of a request; an empty one is `{}`.
 *
 * @throws {PatinaError} `invalid_request`, naming the fields that are wrong, but nothing that was sent
 */
export async function readBody(request: Request, schema: Fields): Promise<unknown> {
  const text = await request.text();
  let json: unknown = {};
  try {
    if (text.trim() !== "") json = JSON.parse(text);
  } catch {
    throw new PatinaError("invalid_request", "Cannot read request: its body is no JSON");
  }
  // To valibot a list is an object like any other.
  return read(Array.isArray(json) ? null : json, { schema, part: "the body itself" });
}

/**
 * Reads and checks the query of a request's URL.
 *
 * @throws {PatinaError} `invalid_request`, also for a name that is there twice
 */
export function readQuery(url: string, schema: Fields): unknown {
  const { searchParams } = new URL(url);
  const names = [...searchParams.keys()];
  if (new Set(names).size < names.length) {
    throw new PatinaError("invalid_request", "Cannot read request: its query has a name twice");
  }
  return read(Object.fromEntries(searchParams), { schema, part: "the query itself" });
}

/**
 * Checks the variable parts of a request's path.
 *
 * @throws {PatinaError} `invalid_request`
 */
export function readPath(found: Record<string, string>, schema: Fields): unknown {
  return read(found, { schema, part: "the path itself" });
}

function read(value: unknown, { schema, part }: { schema: Fields; part: string }): unknown {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const wrong = new Set(
    result.issues.map((issue) => `${nameOf(String(issue.path?.[0]?.key ?? ""), { schema, part })}${ruleOf(issue)}`),
  );
  throw new PatinaError("invalid_request", `Cannot read request: wrong are ${[...wrong].join(", ")}`);
}

/** The rule that a field breaks, if its schema words one. What valibot says by itself repeats what was sent. */
function ruleOf({ message }: v.BaseIssue<unknown>): string {
  return message.startsWith("Invalid ") ? "" : ` (${message})`;
}

/** The name of a field that the schema knows; any other name is the sender's and is not repeated. */
function nameOf(key: string, { schema, part }: { schema: Fields; part: string }): string {
  if (key === "") return part;
  return Object.hasOwn(schema.entries, key) ? `"${key}"` : "a field that is not known";
}
