import type { RegisteredDatabase } from "@patina/catalog/databases";
import { PatinaError } from "@patina/core/error";
import { MIN_REDACTION_KEY, type Rules } from "@patina/core/rules";
import { RulesBody } from "@patina/messages/rules";
import * as v from "valibot";

/**
 * The rules of a registered database.
 *
 * @throws {PatinaError} `rule_refused` when the registry holds something else
 */
export function rulesOf({ name, redactions, excludedTables }: RegisteredDatabase): Rules {
  const read = v.safeParse(RulesBody, { redactions, excludedTables });
  if (read.success) return read.output;
  const [issue] = read.issues;
  const place = (issue.path ?? []).map(({ key }) => String(key)).join("/");
  throw new PatinaError("rule_refused", `Cannot read the rules of database "${name}": wrong at /${place}`);
}

/** The secret as a key; null when it is not set, or too short to keep anything secret. */
export function redactionKeyOf(secret: unknown): string | null {
  return typeof secret === "string" && secret.length >= MIN_REDACTION_KEY ? secret : null;
}
