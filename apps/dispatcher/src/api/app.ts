import { catalogFailure } from "@patina/catalog/failure";
import { ERROR_CODES, PatinaError } from "@patina/core/error";
import type { Channels } from "@patina/worker/channels";
import type { Log } from "@patina/worker/log";
import type { Preflights } from "@patina/worker/preflights";
import type { Vault } from "@patina/worker/vault";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { csrf } from "hono/csrf";
import { HTTPException } from "hono/http-exception";
import { methodNotAllowed } from "hono/method-not-allowed";
import { secureHeaders } from "hono/secure-headers";
import type { DispatcherContext } from "../context.ts";
import { type Attempts, noteFailure } from "./attempts.ts";
import { type Access, type AuthSettings, authenticate, type Principal } from "./auth.ts";
import { mount } from "./operation.ts";
import { OPEN, OPERATIONS } from "./operations.ts";
import { problem } from "./problem.ts";

/** Bytes of a request's body that are read at most. */
export const MAX_BODY = 64 * 1_024;

/** What every route finds: opened once per request, after it is known who asks. */
export interface Api {
  Bindings: {
    readonly auth: AuthSettings;
    /** Who asks according to Cloudflare Access. */
    readonly access: Access | undefined;
    readonly attempts: Attempts;
    /** The archiver's: the only way to stored bytes. */
    readonly vault: Vault;
    /** The aggregator's: the only way to have an address encrypted. */
    readonly channels: Channels;
    /** The exporter's: the only one that can look at a source database. */
    readonly preflights: Preflights;
    readonly log: Log;
    /** What the deployment is: `production`, `local`. */
    readonly environment: string;
    readonly open: () => Promise<DispatcherContext>;
  };
  Variables: { readonly request: string; readonly principal: Principal; readonly context: DispatcherContext };
}

/** The admin API. Everything but a bare `GET /` and `/healthz` wants to know who asks. */
export function createApp() {
  const app = new Hono<Api>();
  app.use(secureHeaders());
  app.use(async (c, next) => {
    const ray = c.req.header("cf-ray") ?? "";
    const request = /^[0-9a-f]{16}$/.test(ray.slice(0, 16)) ? ray.slice(0, 16) : crypto.randomUUID();
    c.set("request", request);
    await next();
    c.header("x-request-id", request);
  });
  mount(app, OPEN);
  app.use(async (c, next) => {
    const credentials = { authorization: c.req.header("authorization"), access: c.env.access };
    try {
      c.set("principal", await authenticate(credentials, c.env.auth));
    } catch (thrown) {
      const isRefusal = thrown instanceof PatinaError && thrown.code === "unauthorized";
      if (isRefusal) await noteFailure(c.env.attempts, c.req.header("cf-connecting-ip"));
      throw thrown;
    }
    await next();
  });
  // What a browser sends along by itself proves nothing about whose page made it ask.
  const sameOrigin = csrf();
  app.use(async (c, next) => (c.get("principal").by === "token" ? await next() : await sameOrigin(c, next)));
  app.use(methodNotAllowed({ app, onMethodNotAllowed: (c, methods) => wrongMethod(c.get("request"), methods) }));
  app.use(
    bodyLimit({
      maxSize: MAX_BODY,
      onError: () => {
        throw new PatinaError("body_too_large", `Cannot read request: its body is larger than ${MAX_BODY} bytes`);
      },
    }),
  );
  app.use(async (c, next) => {
    c.set("context", await c.env.open());
    await next();
  });
  mount(app, OPERATIONS);
  app.notFound((c) => problem(new PatinaError("not_found", "Cannot find this route"), c.get("request")));
  app.onError((thrown, c) => {
    const error = failureOf(thrown);
    const request = c.get("request");
    if (ERROR_CODES[error.code].status >= 500) c.env.log.error({ request, error }, "Request failed");
    return problem(error, request);
  });
  return app;
}

function failureOf(thrown: unknown): PatinaError {
  if (thrown instanceof HTTPException && thrown.status === 403) {
    return new PatinaError("forbidden", "Cannot do this: the request comes from another site");
  }
  return catalogFailure(thrown);
}

function wrongMethod(request: string, methods: readonly string[]): Response {
  const answer = problem(new PatinaError("method_not_allowed", "Cannot do this: the path has other methods"), request);
  answer.headers.set("allow", methods.join(", "));
  return answer;
}
