import type { Report } from "./report.ts";

/** The dashboard's page about what happened; null when nobody has said where the dashboard is. */
export function linkOf({ home, event, job, databases }: Report): string | null {
  if (home === null) return null;
  switch (event.kind) {
    case "dead-letter":
      return `${home}/dashboard/dead-letters`;
    case "verify-mismatch":
    case "drill-failed":
    case "restored":
    case "restore-failed":
      if ("many" in event) return `${home}/dashboard`;
      return databases[0] === undefined
        ? `${home}/dashboard/archives`
        : `${home}/dashboard/databases/${databases[0].name}`;
    case "channel-test":
      return `${home}/dashboard/alerts`;
    default:
      return job === null ? `${home}/dashboard` : `${home}/dashboard/jobs/${job.id}`;
  }
}

/** Where a program finds all databases of an alert, should it not have named them all. */
export function restOf({ home, job }: Report): string | null {
  if (home === null) return null;
  return job === null ? `${home}/databases` : `${home}/jobs/${job.id}`;
}
