import { type DumpPolicy, faultOf } from "@patina/core/retention-policy";
import * as v from "valibot";

/** A retention policy as the registry file and the API write it: see docs/reference/retention.md. */

const limits = {
  manual_days: v.optional(v.number(), 30),
  max_bytes: v.optional(v.nullable(v.number()), null),
};

export const RetentionBody = v.variant("kind", [
  v.strictObject({ kind: v.literal("age"), daily_days: v.number(), ...limits }),
  v.strictObject({
    kind: v.literal("tiers"),
    all_days: v.number(),
    daily: v.number(),
    weekly: v.number(),
    monthly: v.number(),
    yearly: v.number(),
    ...limits,
  }),
]);
export type RetentionBody = v.InferOutput<typeof RetentionBody>;

export function dumpPolicyOf({ manual_days: manualDays, max_bytes: maxBytes, ...body }: RetentionBody): DumpPolicy {
  const limits = { manualDays, maxBytes };
  if (body.kind === "age") return { kind: "age", dailyDays: body.daily_days, ...limits };
  const { all_days: allDays, ...tiers } = body;
  return { ...tiers, allDays, ...limits };
}

export function retentionBodyOf({ manualDays, maxBytes, ...policy }: DumpPolicy): RetentionBody {
  const limits = { manual_days: manualDays, max_bytes: maxBytes };
  if (policy.kind === "age") return { kind: "age", daily_days: policy.dailyDays, ...limits };
  const { allDays, ...tiers } = policy;
  return { ...tiers, all_days: allDays, ...limits };
}

/** What is wrong with a policy, in the words of the file and the API; null when nothing is. */
export function faultOfBody(body: RetentionBody): string | null {
  return faultOf(dumpPolicyOf(body))?.replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`) ?? null;
}
