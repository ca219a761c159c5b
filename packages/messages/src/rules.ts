import { isWellFormed } from "@patina/core/rules";
import * as v from "valibot";

/** The rules of a database as the registry and the API hold them: see docs/reference/redaction.md. */

const Name = v.string();

/** Short enough for a statement that reads a hundred columns. */
const Text = v.pipe(v.string(), v.maxLength(200), v.check(isWellFormed, "must be text without NUL"));

const place = { table: Name, column: Name };

const Redaction = v.variant("as", [
  v.object({ ...place, as: v.literal("null") }),
  v.object({ ...place, as: v.literal("text"), text: Text }),
  v.object({ ...place, as: v.literal("digest") }),
]);

export const RulesBody = v.object({
  redactions: v.pipe(
    v.array(Redaction),
    v.check(
      (all) =>
        new Set(all.map(({ table, column }) => JSON.stringify([table, column]).toLowerCase())).size === all.length,
      "names a column twice",
    ),
  ),
  excludedTables: v.array(Name),
});
