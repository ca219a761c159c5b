import { catalogFailure } from "@patina/catalog/failure";
import { ERROR_CODES, PatinaError } from "@patina/core/error";
import type { Log } from "@patina/worker/log";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { secureHeaders } from "hono/secure-headers";
import type { DispatcherContext } from "../scheduled.ts";
import { authorize } from "./auth.ts";
import { problem } from "./problem.ts";
import { jobs } from "./routes/jobs.ts";
import { root } from "./routes/root.ts";
import { status } from "./routes/status.ts";
import { trigger } from "./routes/trigger.ts";

/** Bytes of a request's body that are read at most. */
const MAX_BODY = 64 * 1_024;

/** What every route finds: opened once per request, after the token was checked. */
export interface Api {
  Bindings: {
    readonly token: string | undefined;
    readonly log: Log;
    readonly open: () => Promise<DispatcherContext>;
  };
  Variables: { readonly request: string; readonly context: DispatcherContext };
}

/** The admin API. Everything but a bare `GET /` wants the bearer token. */
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
  app.route("/", root);
  app.use(async (c, next) => {
    await authorize(c.req.header("authorization"), c.env.token);
    c.set("context", await c.env.open());
    await next();
  });
  app.use(
    bodyLimit({
      maxSize: MAX_BODY,
      onError: () => {
        throw new PatinaError("body_too_large", `Cannot read request: its body is larger than ${MAX_BODY} bytes`);
      },
    }),
  );
  app.route("/status", status);
  app.route("/trigger", trigger);
  app.route("/jobs", jobs);
  app.notFound((c) => problem(new PatinaError("not_found", "Cannot find this route"), c.get("request")));
  app.onError((thrown, c) => {
    const error = catalogFailure(thrown);
    const request = c.get("request");
    if (ERROR_CODES[error.code].status >= 500) c.env.log.error({ request, error }, "Request failed");
    return problem(error, request);
  });
  return app;
}
