import { useLoginLink } from "@patina/catalog/login-links";
import { type Context, Hono } from "hono";
import { noteFailure } from "../api/attempts.ts";
import { type Role, roleOfToken } from "../api/auth.ts";
import { type Dashboard, show } from "./app.tsx";
import { LoginPage } from "./login.tsx";
import { endSession, startSession } from "./session.ts";

/** Logging in with a token or with a link that works once, and logging out. */
export function loginRoutes() {
  return new Hono<Dashboard>()
    .get("/login", (c) => {
      const to = destination(c.req.query("to"));
      return show(c, <LoginPage to={to} once={c.req.query("once") ?? null} problem={null} />);
    })
    .post("/login", async (c) => {
      const form = await c.req.parseBody();
      const to = destination(form["to"]);
      const role = await roleOf(c, form);
      if (role === null) {
        await noteFailure(c.env.attempts, c.req.header("cf-connecting-ip"));
        const problem =
          form["once"] === undefined
            ? "This token is not known."
            : "This link has been used or is too old. Log in with the token, or start Patina again for a new link.";
        return show(c, <LoginPage to={to} once={null} problem={problem} />, { status: 401 });
      }
      await startSession(c, { role, settings: c.env.auth, now: c.env.clock() });
      return c.redirect(to, 303);
    })
    .post("/logout", (c) => {
      endSession(c);
      return c.redirect("/dashboard/login", 303);
    });
}

async function roleOf(c: Context<Dashboard>, form: Record<string, unknown>): Promise<Role | null> {
  const { once, token } = form;
  if (typeof once === "string") {
    const { catalog } = await c.env.open();
    return (await useLoginLink(catalog, { code: once, now: c.env.clock() })) ? "admin" : null;
  }
  return typeof token === "string" ? await roleOfToken(token.trim(), c.env.auth) : null;
}

/** A path of the dashboard to go to; anything else, such as another site, is the fleet. */
function destination(wanted: unknown): string {
  const isOurs = typeof wanted === "string" && /^\/dashboard(?:[/?][\w\-./?=&%+]*)?$/.test(wanted);
  return isOurs && !wanted.startsWith("/dashboard/login") ? wanted : "/dashboard";
}
