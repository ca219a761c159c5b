import type { Check } from "@patina/core/drill";

/** How many findings of a check are told; the rest is counted. */
const MAX_FINDINGS = 20;

/** A check by what it found: faults make it fail, flaws are the source's own. */
export function checkOf(
  name: Check["name"],
  { flaws = [], faults = [] }: { flaws?: readonly string[]; faults?: readonly string[] },
): Check {
  const all = [...faults, ...flaws];
  const findings = all.slice(0, MAX_FINDINGS);
  if (all.length > findings.length) findings.push(`... and ${all.length - findings.length} more`);
  return { name, end: faults.length > 0 ? "failed" : flaws.length > 0 ? "flawed" : "passed", findings };
}

export function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
