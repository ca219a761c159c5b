import { isErrorCode, PatinaError } from "@patina/core/error";
import * as v from "valibot";
import type { Api } from "../api/app.ts";
import type { Principal } from "../api/auth.ts";

/** Asks the admin API in the name of whoever looks at the dashboard. */
export type Ask = (path: string, init?: AskInit) => Promise<Response>;

interface AskInit {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Sent as JSON. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Asking {
  /** The admin API. */
  readonly api: { fetch(request: Request, bindings: Api["Bindings"]): Response | Promise<Response> };
  readonly bindings: Api["Bindings"];
  readonly principal: Principal;
  readonly url: string;
}

const Problem = v.object({ code: v.string(), detail: v.string() });

/**
 * Everything that the dashboard changes or downloads goes through the API, inside this Worker: what may be done, the
 * checks and the audit log are there, once. A logged-in browser is, to the API, whoever has the token it logged in with.
 *
 * The function that it makes throws the PatinaError that the API answered with.
 */
export function askAs({ api, bindings, principal, url }: Asking): Ask {
  const { adminToken = "", readToken = "" } = bindings.auth;
  return async (path, { method = "GET", body, headers = {} } = {}) => {
    const { origin } = new URL(url);
    const token = principal.role === "admin" ? adminToken : readToken;
    const credentials: Record<string, string> = principal.by === "token" ? { authorization: `Bearer ${token}` } : {};
    const request = new Request(new URL(path, origin), {
      method,
      headers: { origin, ...headers, ...credentials, ...(body === undefined ? {} : { "content-type": JSON_TYPE }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await api.fetch(request, bindings);
    if (answer.headers.get("content-type") !== "application/problem+json") return answer;
    const { code, detail } = v.parse(Problem, await answer.json());
    throw new PatinaError(isErrorCode(code) ? code : "internal", detail);
  };
}

const JSON_TYPE = "application/json";
