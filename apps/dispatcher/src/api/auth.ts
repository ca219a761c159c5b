import { PatinaError } from "@patina/core/error";

/** What a principal may do: see everything but the data, or everything. */
export type Role = "reader" | "admin";

/** Who asks. */
export interface Principal {
  /** As the audit log names it: `admin-token`, `ann@example.com`. */
  readonly name: string;
  readonly role: Role;
  /** `access`: a browser sends this identity along by itself, also when another site makes it ask. */
  readonly by: "token" | "access";
}

/** What the deployment lets in. An empty text is the same as none. */
export interface AuthSettings {
  readonly adminToken: string | undefined;
  readonly readToken: string | undefined;
  /** The audience tag of the Access application in front of this Worker. */
  readonly accessAudience: string | undefined;
}

/** The part of `ctx.access` that is used; absent when Access did not authenticate the request. */
export interface Access {
  readonly aud: string;
  getIdentity(): Promise<Readonly<Record<string, unknown>> | undefined>;
}

/** Characters. 32 of them in hexadecimal are 128 bits: no rate of guessing finds that, so a shorter one is refused. */
export const MIN_TOKEN = 32;

/** Whether anybody can be let in at all. */
export function isConfigured({ adminToken, readToken, accessAudience }: AuthSettings): boolean {
  return [adminToken, readToken].some(isUsable) || hasText(accessAudience);
}

/**
 * Says who asks: by the bearer token if there is one, otherwise by what Cloudflare Access says.
 *
 * @throws {PatinaError} `not_configured` when nobody can be let in, `unauthorized` when this one cannot
 */
export async function authenticate(
  { authorization, access }: { authorization: string | undefined; access: Access | undefined },
  settings: AuthSettings,
): Promise<Principal> {
  if (!isConfigured(settings)) {
    throw new PatinaError(
      "not_configured",
      `Cannot serve: neither ADMIN_TOKEN nor READ_TOKEN is set to ${MIN_TOKEN} characters or more, and ACCESS_AUD is empty`,
    );
  }
  if (authorization === undefined) return await accessPrincipal(access, settings);
  const [, given] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
  const role = given === undefined ? null : await roleOfToken(given, settings);
  if (role === null) throw new PatinaError("unauthorized", "Cannot serve: the bearer token is missing or wrong");
  return { name: role === "admin" ? "admin-token" : "read-token", role, by: "token" };
}

/** What a token allows; null for a wrong one. Takes as long for any token of one length, right or wrong. */
export async function roleOfToken(given: string, { adminToken, readToken }: AuthSettings): Promise<Role | null> {
  const [isAdmin, isReader] = await Promise.all([isEqual(given, adminToken), isEqual(given, readToken)]);
  if (isAdmin) return "admin";
  return isReader ? "reader" : null;
}

/** Whoever the Access application lets in is an admin: its policy decides. */
async function accessPrincipal(access: Access | undefined, { accessAudience }: AuthSettings): Promise<Principal> {
  // Only the application that was named: an account may have Access in front of every Worker, with a wider policy.
  if (access === undefined || !hasText(accessAudience) || access.aud !== accessAudience) {
    throw new PatinaError("unauthorized", "Cannot serve: the bearer token is missing or wrong");
  }
  const identity = await access.getIdentity();
  // A service token has a common name instead of a person's address.
  const name = [identity?.["email"], identity?.["common_name"], identity?.["user_uuid"]].find(isText);
  return { name: name ?? "Cloudflare Access", role: "admin", by: "access" };
}

/** Compares digests of equal length in constant time: neither length nor a common beginning can be measured. */
async function isEqual(given: string, token: string | undefined): Promise<boolean> {
  const [left, right] = await Promise.all([sha256(given), sha256(token ?? "")]);
  return crypto.subtle.timingSafeEqual(left, right) && isUsable(token);
}

function isUsable(token: string | undefined): boolean {
  return token !== undefined && token.length >= MIN_TOKEN;
}

function hasText(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

async function sha256(text: string): Promise<ArrayBuffer> {
  return await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
