import { PatinaError } from "@patina/core/error";

/** Counts failed attempts by address, in one Cloudflare location for all isolates there. */
export interface Attempts {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

/**
 * Notes an attempt that failed.
 *
 * The counter is the platform's (`[[ratelimits]]` in wrangler.toml), not the catalog: a row per wrong token would let
 * anybody write to the database that the backups depend on. Guessing is hopeless because of the tokens' length; the limit
 * keeps a flood of guesses from being worth anything, and nobody can lock out the owner of the right token with it.
 *
 * @throws {PatinaError} `too_many_attempts`
 */
export async function noteFailure(attempts: Attempts, address: string | undefined): Promise<void> {
  const { success } = await attempts.limit({ key: clientOf(address ?? "local") });
  if (!success)
    throw new PatinaError("too_many_attempts", "Cannot serve: too many wrong tokens came from this address");
}

/** One client: an IPv4 address, or the /64 that a single household or machine has of IPv6. */
export function clientOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const rest = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length);
  return `${[...groups, ...Array<string>(zeros).fill("0"), ...rest].slice(0, 4).join(":")}::/64`;
}
