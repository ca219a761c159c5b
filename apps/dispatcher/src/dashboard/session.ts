import { HOUR, SECOND } from "@patina/core/date";
import { PatinaError } from "@patina/core/error";
import type { Context } from "hono";
import { deleteCookie, getSignedCookie, setSignedCookie } from "hono/cookie";
import { type AuthSettings, MIN_TOKEN, type Principal, type Role } from "../api/auth.ts";

/**
 * A browser that has logged in carries a signed cookie; nothing is stored. The key comes from the tokens themselves, so
 * changing either ends every session.
 */

/** How long a login lasts. */
const SESSION = 12 * HOUR;

/**
 * Lets a browser in.
 *
 * @throws {PatinaError} `not_configured` when there is no token that a session could hang on
 */
export async function startSession(
  c: Context,
  { role, settings, now }: { role: Role; settings: AuthSettings; now: number },
): Promise<void> {
  const key = keyOf(settings);
  if (key === null) throw new PatinaError("not_configured", "Cannot log in: neither ADMIN_TOKEN nor READ_TOKEN is set");
  const { name, ...attributes } = cookieOf(c);
  await setSignedCookie(c, name, `${role}.${now + SESSION}`, key, {
    ...attributes,
    httpOnly: true,
    sameSite: "Strict",
    maxAge: SESSION / SECOND,
  });
}

/** Who a browser is logged in as; null without a session, with one that has ended, or with one that was not made here. */
export async function readSession(
  c: Context,
  { settings, now }: { settings: AuthSettings; now: number },
): Promise<Principal | null> {
  const key = keyOf(settings);
  if (key === null) return null;
  const value = await getSignedCookie(c, key, cookieOf(c).name);
  if (typeof value !== "string") return null;
  const [role, until] = value.split(".");
  if ((role !== "admin" && role !== "reader") || !(Number(until) > now)) return null;
  return { name: role === "admin" ? "admin-token" : "read-token", role, by: "token" };
}

export function endSession(c: Context): void {
  const { name, ...attributes } = cookieOf(c);
  deleteCookie(c, name, attributes);
}

/** Over https the name promises that no other host and no other path set it; plain http is this machine alone. */
function cookieOf(c: Context) {
  const secure = new URL(c.req.url).protocol === "https:";
  return { name: secure ? "__Host-patina" : "patina", path: "/", secure };
}

/** The key of the signature; null without a token, because then everybody would know it. */
function keyOf({ adminToken, readToken }: AuthSettings): string | null {
  const tokens = [adminToken, readToken].map((token) =>
    token !== undefined && token.length >= MIN_TOKEN ? token : "",
  );
  return tokens.every((token) => token === "") ? null : `patina dashboard session\n${tokens.join("\n")}`;
}
