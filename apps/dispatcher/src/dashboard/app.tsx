import { countOpenLetters } from "@patina/catalog/dead-letters";
import { catalogFailure } from "@patina/catalog/failure";
import { SECOND } from "@patina/core/date";
import { ERROR_CODES, PatinaError } from "@patina/core/error";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { csrf } from "hono/csrf";
import { HTTPException } from "hono/http-exception";
import type { Child } from "hono/jsx";
import { secureHeaders } from "hono/secure-headers";
import { type Api, type createApp, MAX_BODY } from "../api/app.ts";
import { authenticate, type Principal } from "../api/auth.ts";
import { alertsRoutes } from "./alerts-routes.tsx";
import { archiveRoutes } from "./archive-routes.tsx";
import { type Ask, askAs } from "./ask.ts";
import { asset } from "./assets.ts";
import { auditRoutes } from "./audit-routes.tsx";
import { databaseRoutes } from "./database-routes.tsx";
import { deadLetterRoutes } from "./dead-letter-routes.tsx";
import { downloadRoutes } from "./download-routes.ts";
import { drillRoutes } from "./drill-routes.tsx";
import { FailurePage } from "./failure.tsx";
import { fleetRoutes } from "./fleet-routes.tsx";
import { jobRoutes } from "./job-routes.tsx";
import { BouncePage } from "./login.tsx";
import { loginRoutes } from "./login-routes.tsx";
import type { Frame } from "./page.tsx";
import { retentionRoutes } from "./retention-routes.tsx";
import { readSession } from "./session.ts";
import { triggerRoutes } from "./trigger-routes.ts";

/** What every page finds: who looks at it, the opened catalog, what the frame around it shows, and the API behind it. */
export interface Dashboard {
  Bindings: Api["Bindings"] & { readonly clock: () => number };
  Variables: Api["Variables"] & { readonly frame: Frame; readonly ask: Ask };
}

/** Nothing but the dashboard's own files, and nobody may frame it. */
const POLICY = {
  defaultSrc: ["'none'"],
  styleSrc: ["'self'"],
  scriptSrc: ["'self'"],
  imgSrc: ["'self'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
  baseUri: ["'none'"],
};

/** How soon a page that shows something running is asked for again: a header, so that it needs no JavaScript. */
const REFRESH = 4 * SECOND;

/** The dashboard: pages made by the server, below `/dashboard`. */
export function createDashboard(api: ReturnType<typeof createApp>) {
  const app = new Hono<Dashboard>().basePath("/dashboard");
  // With no-referrer a browser would not say where a form comes from.
  app.use(secureHeaders({ contentSecurityPolicy: POLICY, referrerPolicy: "same-origin", xFrameOptions: "DENY" }));
  app.use(async (c, next) => {
    c.set("request", crypto.randomUUID());
    await next();
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
  });
  app.get("/assets/*", (c) => asset(c.req.path) ?? c.notFound());
  app.use(csrf());
  app.use(bodyLimit({ maxSize: MAX_BODY }));
  app.route("/", loginRoutes());
  app.use(async (c, next) => {
    const principal = await principalOf(c);
    if (principal === null) return askToLogIn(c);
    const context = await c.env.open();
    c.set("principal", principal);
    c.set("context", context);
    c.set("ask", askAs({ api, bindings: c.env, principal, url: c.req.url }));
    c.set("frame", { principal, now: context.clock(), letters: await countOpenLetters(context.catalog) });
    return await next();
  });
  app.use(async (c, next) => {
    // The API says so too; but a form that is not for its reader should not get that far.
    if (c.req.method === "POST" && c.get("principal").role !== "admin") {
      throw new PatinaError("forbidden", "Cannot do this: you are logged in with the read-only token");
    }
    await next();
  });
  app.route("/", fleetRoutes());
  app.route("/", jobRoutes());
  app.route("/", databaseRoutes());
  app.route("/", archiveRoutes());
  app.route("/", retentionRoutes());
  app.route("/", drillRoutes());
  app.route("/", deadLetterRoutes());
  app.route("/", alertsRoutes());
  app.route("/", auditRoutes());
  app.route("/", downloadRoutes());
  app.route("/", triggerRoutes());
  app.notFound((c) => failure(c, new PatinaError("not_found", "Cannot find this page")));
  app.onError((thrown, c) => failure(c, failureOf(thrown)));
  return app;
}

async function principalOf(c: Context<Dashboard>): Promise<Principal | null> {
  const session = await readSession(c, { settings: c.env.auth, now: c.env.clock() });
  if (session !== null) return session;
  try {
    return await authenticate({ authorization: c.req.header("authorization"), access: c.env.access }, c.env.auth);
  } catch (thrown) {
    if (thrown instanceof PatinaError && thrown.code === "unauthorized") return null;
    throw thrown;
  }
}

/**
 * A link from elsewhere, such as one in an alert, comes without the cookie, which is SameSite=Strict: the page asks for
 * itself once more, and only then is it known whether somebody is logged in.
 */
function askToLogIn(c: Context<Dashboard>): Response | Promise<Response> {
  const { pathname, search } = new URL(c.req.url);
  const path = `${pathname}${search}`;
  const isLink = c.req.method === "GET" && c.req.header("sec-fetch-site") === "cross-site";
  if (isLink) return show(c, <BouncePage path={path} />);
  const to = c.req.method === "GET" ? `?to=${encodeURIComponent(path)}` : "";
  return c.redirect(`/dashboard/login${to}`, 303);
}

/** Answers with a page. */
export function show(c: Context, page: Child, options: { status?: number; isLive?: boolean } = {}): Response {
  if (options.isLive) c.header("refresh", String(REFRESH / SECOND));
  c.header("content-type", "text/html; charset=utf-8");
  return c.body(`<!DOCTYPE html>${page}`, (options.status ?? 200) as 200);
}

function failureOf(thrown: unknown): PatinaError {
  if (thrown instanceof HTTPException) {
    if (thrown.status === 413) return new PatinaError("body_too_large", "Cannot read the form: it is too large");
    if (thrown.status === 403) return new PatinaError("forbidden", "Cannot do this: the form comes from another site");
  }
  return catalogFailure(thrown);
}

function failure(c: Context<Dashboard>, error: PatinaError): Response {
  const { status } = ERROR_CODES[error.code];
  const request = c.get("request");
  if (status >= 500) c.env.log.error({ request, error }, "Page failed");
  return show(c, <FailurePage error={error} request={request} frame={c.get("frame") ?? null} />, { status });
}
