import { PatinaError } from "@patina/core/error";
import * as v from "valibot";

/**
 * Reads and checks the JSON body of a request; an empty one is `{}`.
 *
 * @throws {PatinaError} `invalid_request`, naming the fields that are wrong, but nothing that was sent
 */
export async function readBody<E extends v.ObjectEntries>(
  request: Request,
  schema: v.StrictObjectSchema<E, undefined>,
): Promise<v.InferOutput<typeof schema>> {
  const text = await request.text();
  let json: unknown = {};
  try {
    if (text.trim() !== "") json = JSON.parse(text);
  } catch {
    throw new PatinaError("invalid_request", "Cannot read request: its body is no JSON");
  }
  // To valibot a list is an object like any other.
  const read = v.safeParse(schema, Array.isArray(json) ? null : json);
  if (read.success) return read.output;
  const fields = new Set(read.issues.map((issue) => fieldOf(String(issue.path?.[0]?.key ?? ""), schema)));
  throw new PatinaError("invalid_request", `Cannot read request: wrong are ${[...fields].join(", ")}`);
}

/** The name of a field that the schema knows; any other name is the sender's and is not repeated. */
function fieldOf(key: string, schema: { readonly entries: v.ObjectEntries }): string {
  if (key === "") return "the body itself";
  return Object.hasOwn(schema.entries, key) ? `"${key}"` : "a field that is not known";
}
