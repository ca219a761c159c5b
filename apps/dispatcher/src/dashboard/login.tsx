import { Brand, Document } from "./page.tsx";

interface LoginFacts {
  /** Where to go afterwards: a path of the dashboard. */
  readonly to: string;
  /** A link that lets in once; then no token is asked for. */
  readonly once: string | null;
  readonly problem: string | null;
}

/** Asks for a token, or for one click when the address carries a login that works once. */
export function LoginPage({ to, once, problem }: LoginFacts) {
  return (
    <Document title="Log in">
      <main class="login">
        <Brand />
        <h1>Log in to the dashboard</h1>
        {problem !== null && (
          <p class="notice bad" role="alert">
            {problem}
          </p>
        )}
        {once !== null && problem === null ? <OnceForm to={to} once={once} /> : <TokenForm to={to} />}
        <p>
          <small>
            The session lasts 12 hours, or until a token is changed. Behind Cloudflare Access no login is needed.
          </small>
        </p>
      </main>
    </Document>
  );
}

/** A form and not a redirect: nothing that only looks at the link, such as a preview, uses it up. */
function OnceForm({ to, once }: { to: string; once: string }) {
  return (
    <form method="post" action="/dashboard/login">
      <input type="hidden" name="to" value={to} />
      <input type="hidden" name="once" value={once} />
      <button class="main" type="submit">
        Open the dashboard
      </button>
    </form>
  );
}

function TokenForm({ to }: { to: string }) {
  return (
    <form method="post" action="/dashboard/login">
      <input type="hidden" name="to" value={to} />
      <label for="token">Admin token, or read-only token</label>
      <input id="token" name="token" type="password" autocomplete="current-password" required autofocus />
      <button class="main" type="submit">
        Log in
      </button>
    </form>
  );
}

/** A page that asks for itself once more, so that the browser sends its cookie along. */
export function BouncePage({ path }: { path: string }) {
  return (
    <html lang="en">
      <head>
        <title>Patina</title>
        <meta http-equiv="refresh" content={`0;url=${path}`} />
      </head>
      <body>
        <a href={path}>Open the dashboard</a>
      </body>
    </html>
  );
}
