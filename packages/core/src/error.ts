/**
 * Every way Patina can fail has one code. The table below is the only place that decides what a failure means for a
 * queue message, an HTTP answer and an exit code; it is total, so a new code does not compile without its row.
 */

/** What a failure means for the message being handled. `dead` failures are not tried again. */
export type Disposition = "retry" | "dead";

export interface ErrorMeaning {
  readonly disposition: Disposition;
  /** HTTP status of the API's answer. */
  readonly status: number;
  /** Exit code of the command, see docs/reference/exit-codes.md. */
  readonly exit: number;
  /** What happens by itself as long as attempts are left; only of what is tried again. */
  readonly meanwhile?: string;
  /** What a person should do next, in one sentence, when nothing happens by itself any more. */
  readonly next: string;
}

export const ERROR_CODES = {
  // Requests
  invalid_request: { disposition: "dead", status: 400, exit: 2, next: "Correct the request and send it again." },
  unauthorized: {
    disposition: "dead",
    status: 401,
    exit: 12,
    next: "Send the admin token or the read token as a bearer token, or come through Cloudflare Access.",
  },
  forbidden: { disposition: "dead", status: 403, exit: 12, next: "Use the admin token: the read token may only look." },
  not_found: { disposition: "dead", status: 404, exit: 10, next: "Check the name; GET /status lists what exists." },
  method_not_allowed: { disposition: "dead", status: 405, exit: 2, next: "Use a method named in the Allow header." },
  known_damaged: {
    disposition: "dead",
    status: 409,
    exit: 4,
    next: "Take the backup of another date or job; damaged=true gives the bytes of this one as they are.",
  },
  conflict: {
    disposition: "dead",
    status: 409,
    exit: 11,
    next: "Look at what is there by now; if it is still being worked on, wait until that has ended.",
  },
  request_under_way: {
    disposition: "dead",
    status: 409,
    exit: 11,
    next: "Wait for a minute, then repeat the request with the same key.",
  },
  key_reused: {
    disposition: "dead",
    status: 422,
    exit: 2,
    next: "Take a new Idempotency-Key for each new request.",
  },
  owned_by_registry: {
    disposition: "dead",
    status: 409,
    exit: 11,
    next: "Change the registry file and apply it; the API may only pause and resume this database.",
  },
  binding_unknown: {
    disposition: "dead",
    status: 422,
    exit: 2,
    next: "Give the exporter a D1 binding for the database and deploy it; it publishes its bindings every five minutes.",
  },
  precondition_failed: {
    disposition: "dead",
    status: 412,
    exit: 11,
    next: "Ask without If-Match for what is there by now: its ETag is in the answer.",
  },
  range_not_satisfiable: {
    disposition: "dead",
    status: 416,
    exit: 2,
    next: "Ask for bytes that are there: the header Content-Range of the answer says how many.",
  },
  body_too_large: { disposition: "dead", status: 413, exit: 2, next: "Send a smaller body." },
  too_many_attempts: {
    disposition: "dead",
    status: 429,
    exit: 12,
    next: "Wait a minute, then send the right token.",
  },
  not_configured: {
    disposition: "dead",
    status: 503,
    exit: 1,
    next: "Set a token (openssl rand -hex 32 | wrangler secret put ADMIN_TOKEN), or ACCESS_AUD for Cloudflare Access.",
  },

  // Messages
  invalid_message: {
    disposition: "dead",
    status: 500,
    exit: 1,
    next: "Look at the dead letter: its sender and this Worker are of different versions, or it was sent by hand.",
  },
  unknown_task: {
    disposition: "dead",
    status: 500,
    exit: 1,
    next: "Nothing to do if the job was deleted; otherwise check that all Workers share one catalog.",
  },

  // The source database
  source_missing: {
    disposition: "dead",
    status: 502,
    exit: 1,
    next: "Give the exporter a binding for this database and deploy it, or pause the database in the registry.",
  },
  source_unusable: {
    disposition: "dead",
    status: 502,
    exit: 1,
    next: "Mend the database as the reason says, then start a backup of it.",
  },
  source_failed: {
    disposition: "dead",
    status: 502,
    exit: 1,
    next: "Run the named statement against the database; the backup before this one is untouched.",
  },
  source_unreachable: {
    disposition: "retry",
    status: 502,
    exit: 1,
    meanwhile: "It is tried again.",
    next: "Check the database in the Cloudflare dashboard, then replay its dead letter or start a backup of it.",
  },
  source_overloaded: {
    disposition: "retry",
    status: 502,
    exit: 1,
    meanwhile: "It is tried again later, with smaller pages.",
    next: "Start a backup of the database at a quieter hour, or replay its dead letter then.",
  },
  result_too_large: {
    disposition: "dead",
    status: 502,
    exit: 1,
    next: "Report it: Patina asked the database for more than it may return at once.",
  },
  source_changed: {
    disposition: "retry",
    status: 502,
    exit: 1,
    meanwhile: "The export starts again.",
    next: "Start a backup of the database at a quieter hour, or replay its dead letter then.",
  },
  schema_changed: {
    disposition: "retry",
    status: 502,
    exit: 1,
    meanwhile: "The export starts again with the new schema.",
    next: "Start a backup of the database once nobody changes its schema any more.",
  },

  // Rules: what of a database is not carried as it is
  rule_outdated: {
    disposition: "dead",
    status: 409,
    exit: 1,
    next: "Correct the database's redactions and excluded tables in the registry, then start a backup of it.",
  },
  rule_refused: {
    disposition: "dead",
    status: 409,
    exit: 1,
    next: "Choose another rule in the registry (NULL, or the whole table), then start a backup of the database.",
  },
  redaction_key_missing: {
    disposition: "dead",
    status: 503,
    exit: 1,
    next: "Give the exporter a key of 32 characters or more: wrangler secret put REDACTION_KEY --config apps/exporter/wrangler.toml.",
  },

  // What Patina itself depends on
  bucket_unavailable: {
    disposition: "retry",
    status: 502,
    exit: 1,
    meanwhile: "It is tried again.",
    next: "Check the bucket and the Worker's binding to it, then try again or replay the dead letter.",
  },
  object_locked: {
    disposition: "dead",
    status: 409,
    exit: 11,
    next: "Wait until the bucket's lock lets the object go; lock_days in infra/databases.toml says how long that is.",
  },
  catalog_unavailable: {
    disposition: "retry",
    status: 502,
    exit: 1,
    meanwhile: "It is tried again.",
    next: "Try again in a minute; if it goes on, check the catalog database in the Cloudflare dashboard.",
  },
  catalog_outdated: {
    disposition: "retry",
    status: 503,
    exit: 1,
    meanwhile: "It is tried again.",
    next: "Apply the migrations: wrangler d1 migrations apply patina-catalog --remote.",
  },
  catalog_incomplete: {
    disposition: "dead",
    status: 409,
    exit: 1,
    next: "Rebuild the catalog from the bucket: POST /catalog/rebuild.",
  },
  scratch_unavailable: {
    disposition: "retry",
    status: 502,
    exit: 1,
    meanwhile: "It is tried again; what was restored is still there.",
    next: "Ask for the drill again; if it goes on, look at the archiver's Durable Objects in the Cloudflare dashboard.",
  },
  checkpoint_invalid: {
    disposition: "retry",
    status: 500,
    exit: 1,
    meanwhile: "The export starts again from the beginning.",
    next: "Start a backup of the database: it begins anew.",
  },
  upload_lost: {
    disposition: "retry",
    status: 502,
    exit: 1,
    meanwhile: "The object is written again from the beginning.",
    next: "See whether something else aborts the bucket's uploads, such as a lifecycle rule, then replay the dead letter.",
  },
  archive_outdated: {
    disposition: "retry",
    status: 502,
    exit: 1,
    meanwhile: "The archive is planned again, since a daily backup changed while it was made.",
    next: "See which job still writes daily backups of that week, then replay the dead letter.",
  },
  archive_damaged: {
    disposition: "dead",
    status: 502,
    exit: 4,
    next: "Nothing was deleted. Verify the week's daily backups, then replay the dead letter.",
  },
  lease_lost: {
    disposition: "retry",
    status: 500,
    exit: 1,
    meanwhile: "Another consumer has the task now.",
    next: "Start a backup of the database.",
  },
  manifest_missing: {
    disposition: "retry",
    status: 502,
    exit: 1,
    meanwhile: "It is looked for again.",
    next: "Start a backup of the database: the object that the result names has no manifest.",
  },
  manifest_invalid: {
    disposition: "dead",
    status: 502,
    exit: 4,
    next: "Start a backup of the database: the manifest of this one cannot be read.",
  },
  backup_damaged: {
    disposition: "dead",
    status: 502,
    exit: 4,
    next: "Start a backup of the database and restore from an earlier one; the damaged object is kept as it is.",
  },
  stored_otherwise: {
    disposition: "retry",
    status: 502,
    exit: 1,
    meanwhile: "The export starts again.",
    next: "Start a backup of the database; the bucket gave back other bytes than were put into it, see Cloudflare's status.",
  },
  never_finished: {
    disposition: "dead",
    status: 500,
    exit: 1,
    next: "Start a backup of the database; if it happens again, look at the exporter's logs for its job.",
  },
  alert_key_missing: {
    disposition: "dead",
    status: 503,
    exit: 1,
    next: "Set it: openssl rand -base64 32 | wrangler secret put ALERT_KEY --config apps/aggregator/wrangler.toml.",
  },
  webhook_refused: {
    disposition: "dead",
    status: 502,
    exit: 1,
    next: "Check the channel's URL: its server said that it will never accept this message.",
  },
  webhook_unavailable: {
    disposition: "retry",
    status: 502,
    exit: 1,
    meanwhile: "The alert is sent again later.",
    next: "Check the channel's server, then replay the dead letter.",
  },
  wrangler_failed: {
    disposition: "dead",
    status: 502,
    exit: 1,
    next: "See what wrangler said. `npx wrangler whoami` shows the account and what it may do.",
  },
  internal: {
    disposition: "retry",
    status: 500,
    exit: 1,
    meanwhile: "It is tried again.",
    next: "Look in the logs for the request or job id, and report it: this is a fault of Patina.",
  },
} as const satisfies Record<string, ErrorMeaning>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** What comes next of a failure: of one that will be tried again by itself, or of one that has ended it. */
export function nextOf(code: ErrorCode, { isTriedAgain }: { isTriedAgain: boolean }): string {
  const { next, meanwhile }: ErrorMeaning = ERROR_CODES[code];
  return isTriedAgain && meanwhile !== undefined ? meanwhile : next;
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}

/** A failure with a stable code. The message is for people and never carries row data or secrets. */
export class PatinaError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PatinaError";
    this.code = code;
  }
}

/**
 * Gives any thrown value a code. What is not a PatinaError is a fault of Patina: its text could hold anything, so only
 * its class name is kept.
 */
export function toPatinaError(thrown: unknown): PatinaError {
  if (thrown instanceof PatinaError) return thrown;
  const kind = thrown instanceof Error ? thrown.name : typeof thrown;
  return new PatinaError("internal", `Unexpected ${kind}`, { cause: thrown });
}
