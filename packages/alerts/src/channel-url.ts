import { PatinaError } from "@patina/core/error";
import ipaddr from "ipaddr.js";
import type { ChannelKind } from "./channel.ts";

/** Longer addresses than any service gives out. */
const MAX_LENGTH = 2_000;

/** Names that never lead into the public internet (RFC 6761, RFC 6762, RFC 8375, RFC 9476, ICANN's `.internal`). */
const PRIVATE_NAMES = [
  "alt",
  "arpa",
  "corp",
  "home",
  "internal",
  "intranet",
  "invalid",
  "lan",
  "local",
  "localdomain",
  "localhost",
  "onion",
  "private",
  "test",
];

const DISCORD_HOSTS = ["discord.com", "canary.discord.com", "ptb.discord.com", "discordapp.com"];

/**
 * Checks the address of a channel before anything is sent to it: when it is saved, and again each time it is used. In
 * production it must be https on the usual port of a public name or address, without a user's name; the local run may
 * also send to this machine. What WHATWG's parser makes of odd notations (`0x7f.1`, `2130706433`, full-width digits) is
 * what is judged. A public name can still lead to a private address: Cloudflare's network does not route those, and
 * redirects are not followed.
 *
 * @throws {PatinaError} `invalid_request`, naming what is wrong but never the address, which is a secret
 */
export function checkChannelUrl(text: string, { kind, environment }: { kind: ChannelKind; environment: string }): URL {
  const url = text.length <= MAX_LENGTH && URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw wrong("is not one");
  if (environment === "local" && url.protocol === "http:" && url.hostname === "127.0.0.1") return url;
  if (url.protocol !== "https:") throw wrong("does not begin with https://");
  if (url.username !== "" || url.password !== "") throw wrong("has a user name or password in it");
  if (url.port !== "") throw wrong("names a port");
  if (!isPublic(url.hostname)) throw wrong("leads to a private or local address");
  if (kind === "discord" && !DISCORD_HOSTS.includes(url.hostname)) throw wrong("is not one of Discord's");
  return url;
}

/** @param host as a parsed URL has it: lower case, IPv4 as four decimals, IPv6 in brackets */
function isPublic(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "");
  if (ipaddr.isValid(bare)) return isPublicAddress(ipaddr.process(bare));
  const labels = host.replace(/\.$/, "").split(".");
  return labels.length > 1 && labels.every((label) => label !== "") && !PRIVATE_NAMES.includes(labels.at(-1) ?? "");
}

/** Of IPv6 only what is handed out as global unicast (2000::/3): elsewhere IPv4 addresses hide, as in `::10.0.0.1`. */
function isPublicAddress(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== "unicast") return false;
  return address instanceof ipaddr.IPv4 || address.match(ipaddr.IPv6.parse("2000::"), 3);
}

function wrong(reason: string): PatinaError {
  return new PatinaError("invalid_request", `Cannot use the channel's address: it ${reason}`);
}
