import { VERSION } from "@patina/core/version";
import type { Child } from "hono/jsx";
import type { Principal } from "../api/auth.ts";
import { ICON_PATH, SCRIPT_PATH, STYLE_PATH } from "./assets.ts";
import { utc } from "./moment.tsx";

/** What the frame around every page shows. */
export interface Frame {
  readonly principal: Principal;
  readonly now: number;
  /** Dead letters that nobody has dealt with. */
  readonly letters: number;
}

type Section = (typeof SECTIONS)[number]["id"];

const SECTIONS = [
  { id: "fleet", path: "/dashboard", word: "Fleet" },
  { id: "jobs", path: "/dashboard/jobs", word: "Jobs" },
  { id: "archives", path: "/dashboard/archives", word: "Archives" },
  { id: "retention", path: "/dashboard/retention", word: "Retention" },
  { id: "drills", path: "/dashboard/drills", word: "Drills" },
  { id: "dead-letters", path: "/dashboard/dead-letters", word: "Dead letters" },
  { id: "alerts", path: "/dashboard/alerts", word: "Alerts" },
  { id: "audit", path: "/dashboard/audit", word: "Audit" },
] as const;

interface PageProps {
  readonly title: string;
  readonly frame: Frame;
  readonly section: Section | null;
  readonly children: Child;
}

/** One page of the dashboard. */
export function Page({ title, frame, section, children }: PageProps) {
  return (
    <Document title={title}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <div class="top">
        <div>
          <Brand />
          <nav aria-label="Sections">
            <ul>
              {SECTIONS.map(({ id, path, word }) => (
                <li>
                  <a href={path} aria-current={id === section ? "page" : undefined}>
                    {word}
                    {id === "dead-letters" && frame.letters > 0 && <span class="badge">{frame.letters}</span>}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <Who principal={frame.principal} />
        </div>
      </div>
      <main id="main">{children}</main>
      <div class="foot">
        <span>Patina {VERSION}</span>
        <span>
          Made at <time datetime={new Date(frame.now).toISOString()}>{utc(frame.now)}</time>
        </span>
        <span>All dates are UTC. Sizes are powers of 1,000.</span>
      </div>
    </Document>
  );
}

/** The HTML around a page, and around the login page, which has no frame. */
export function Document({ title, children }: { title: string; children: Child }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>{`${title} · Patina`}</title>
        <link rel="icon" type="image/svg+xml" href={ICON_PATH} />
        <link rel="stylesheet" href={STYLE_PATH} />
        <script src={SCRIPT_PATH} defer></script>
      </head>
      <body>{children}</body>
    </html>
  );
}

/** A copper coin that has begun to turn green. */
export function Brand() {
  return (
    <a class="brand" href="/dashboard">
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <circle cx="10" cy="10" r="9" fill="#b4703d" />
        <path
          d="M3.6 16.4A9 9 0 1 1 18.8 8c-2.2-1.6-4.3-1.3-5.400.5-1.2 2-.6 3.7-2.8 4.3-1.800.5-2.6-.9-4.3-.2-1.500.6-1.6 2.5-2.7 3.800z"
          fill="#4f9f8c"
        />
      </svg>
      Patina
    </a>
  );
}

function Who({ principal }: { principal: Principal }) {
  return (
    <div class="who">
      <small>{principal.name}</small>
      {principal.by === "token" && (
        <form method="post" action="/dashboard/logout">
          <button class="plain" type="submit">
            Log out
          </button>
        </form>
      )}
    </div>
  );
}
