import type { DatabaseSync } from "node:sqlite";
import { DAY, HOUR, MINUTE } from "@patina/core/date";
import { BASE_TIME } from "./base-time.ts";
import { insert } from "./insert.ts";
import { recordMigrations } from "./migrations.ts";
import { ipAddress, person, userAgent } from "./people.ts";
import { type Random, seeded } from "./random.ts";
import { thumbnail } from "./thumbnail.ts";

/** Sign-in for all of Grove: people, OAuth in both directions, sessions and an audit log. Times are milliseconds. */

const SCHEMA = `
CREATE TABLE users (
  id TEXT PRIMARY KEY NOT NULL,
  email TEXT NOT NULL COLLATE NOCASE,
  email_domain TEXT GENERATED ALWAYS AS (lower(substr(email, instr(email, '@') + 1))) VIRTUAL,
  email_verified_at INTEGER,
  display_name TEXT NOT NULL CHECK (length(display_name) BETWEEN 1 AND 80),
  password_hash BLOB CHECK (length(password_hash) = 32), -- PBKDF2-SHA-256; null for people who only use OAuth
  password_salt BLOB CHECK (length(password_salt) = 16),
  avatar BLOB, -- 8x8 thumbnail, image/bmp
  preferences TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(preferences)),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER,
  CHECK ((password_hash IS NULL) = (password_salt IS NULL))
);
CREATE UNIQUE INDEX users_email_live ON users(email) WHERE deleted_at IS NULL;
CREATE INDEX users_email_domain ON users(email_domain);
CREATE INDEX users_theme ON users(json_extract(preferences, '$.theme'));

CREATE TABLE oauth_accounts (
  provider TEXT NOT NULL CHECK (provider IN ('github', 'google', 'mastodon')),
  provider_account_id TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  scopes TEXT NOT NULL DEFAULT '[]' CHECK (json_type(scopes) = 'array'),
  linked_at INTEGER NOT NULL,
  PRIMARY KEY (provider, provider_account_id)
) WITHOUT ROWID;
CREATE INDEX oauth_accounts_user ON oauth_accounts(user_id);

CREATE TABLE oauth_clients (
  client_id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  secret_digest BLOB, -- null for public clients, which must use PKCE
  redirect_uris TEXT NOT NULL CHECK (json_type(redirect_uris) = 'array'),
  is_first_party INTEGER NOT NULL DEFAULT 0 CHECK (is_first_party IN (0, 1)),
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE authorization_codes (
  code_digest BLOB PRIMARY KEY NOT NULL CHECK (length(code_digest) = 32),
  client_id TEXT NOT NULL REFERENCES oauth_clients(client_id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  code_challenge TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY NOT NULL,
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  client_id TEXT REFERENCES oauth_clients(client_id) ON DELETE SET NULL,
  refresh_digest BLOB NOT NULL UNIQUE CHECK (length(refresh_digest) = 32),
  replaced_by TEXT REFERENCES sessions(id) DEFERRABLE INITIALLY DEFERRED,
  ip TEXT NOT NULL,
  user_agent TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER
);
CREATE INDEX sessions_live ON sessions(user_id, expires_at DESC) WHERE revoked_at IS NULL;

CREATE TABLE audit_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id TEXT REFERENCES users(id) ON DELETE SET NULL,
  action TEXT NOT NULL,
  ip TEXT,
  detail TEXT CHECK (detail IS NULL OR json_valid(detail)),
  created_at INTEGER NOT NULL
);
CREATE INDEX audit_log_user_time ON audit_log(user_id, created_at);

CREATE VIEW live_sessions AS
SELECT s.id, s.user_id, u.display_name, c.name AS client, s.ip, s.expires_at
FROM sessions AS s
JOIN users AS u ON u.id = s.user_id
LEFT JOIN oauth_clients AS c ON c.client_id = s.client_id
WHERE s.revoked_at IS NULL AND u.deleted_at IS NULL;

CREATE VIEW login_failures_by_day (day, failures, addresses) AS
SELECT date(created_at / 1000, 'unixepoch'), count(*), count(DISTINCT ip)
FROM audit_log WHERE action = 'login.failed' GROUP BY 1;

CREATE TRIGGER users_deleted AFTER UPDATE OF deleted_at ON users WHEN NEW.deleted_at IS NOT NULL BEGIN
  UPDATE sessions SET revoked_at = NEW.deleted_at WHERE user_id = NEW.id AND revoked_at IS NULL;
  INSERT INTO audit_log (user_id, action, created_at) VALUES (NEW.id, 'user.deleted', NEW.deleted_at);
END;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OF action, detail, created_at ON audit_log BEGIN
  SELECT RAISE(ABORT, 'the audit log can''t be rewritten; add a new row');
END;
`;

export function buildGroveauth(db: DatabaseSync): void {
  const random = seeded("groveauth");
  recordMigrations(db, BASE_TIME - 400 * DAY, [
    "0001_users.sql",
    "0002_oauth_clients.sql",
    "0003_sessions.sql",
    "0004_audit_log.sql",
    "0005_live_email_unique.sql",
  ]);
  db.exec(SCHEMA);

  const users = Array.from({ length: 80 }, (_, number) => user(random, number));
  const clients = CLIENTS.map((name, number) => client(random, name, number));
  const userIds = users.map(({ id }) => id);
  const clientIds = clients.map(({ client_id }) => client_id);
  insert(db, "users", users);
  insert(db, "oauth_clients", clients);
  insert(
    db,
    "oauth_accounts",
    userIds.filter(() => random.chance(0.6)).map((id) => account(random, id)),
  );
  insert(
    db,
    "authorization_codes",
    Array.from({ length: 24 }, () => code(random, userIds, clientIds)),
  );
  insert(
    db,
    "sessions",
    userIds.flatMap((id) => sessions(random, id, clientIds)),
  );
  insert(
    db,
    "audit_log",
    Array.from({ length: 330 }, (_, number) => auditEntry(random, userIds, number)),
  );

  // Through the front door, so that the triggers do their work: three people have left.
  const leave = db.prepare("UPDATE users SET deleted_at = ?, updated_at = ? WHERE id = ?");
  for (const [index, id] of userIds.slice(-3).entries()) {
    const time = BASE_TIME - index * DAY;
    leave.run(time, time, id);
  }
}

const CLIENTS = ["Grove Web", "Grove CLI", "Scout", "Lantern Reader", 'Rosie\'s "Tiny" Feed 🌿'];

function user(random: Random, number: number) {
  const { name, email } = person(random, number);
  const created = BASE_TIME - random.int(61, 380) * DAY - random.int(0, DAY);
  const hasPassword = random.chance(0.75);
  const theme = random.favour(["system", "dusk", "meadow", "high-contrast"]);
  return {
    id: `usr_${random.code(20)}`,
    email: random.chance(0.1) ? email.toUpperCase() : email,
    email_verified_at: random.chance(0.9) ? created + random.int(1, 90) * MINUTE : null,
    display_name: random.chance(0.1) ? `${name} ${random.pick(["🌲", "👩‍🌾", "🦉", "☕️"])}` : name,
    password_hash: hasPassword ? random.bytes(32) : null,
    password_salt: hasPassword ? random.bytes(16) : null,
    avatar: random.chance(0.7) ? thumbnail(random, 8) : null,
    preferences: JSON.stringify({
      theme,
      locale: random.favour(["en", "de", "fr-CA", "ja"]),
      digest: random.chance(0.4),
    }),
    created_at: created,
    updated_at: created + random.int(0, 20) * HOUR,
    deleted_at: null,
  };
}

function client(random: Random, name: string, number: number) {
  return {
    client_id: `client_fake_${random.code(12)}`,
    name,
    secret_digest: number === 1 ? null : random.bytes(32),
    redirect_uris: JSON.stringify([
      `https://app${number}.example.com/callback`,
      `http://localhost:${8100 + number}/cb`,
    ]),
    is_first_party: number < 3 ? 1 : 0,
    created_at: BASE_TIME - (390 - number * 40) * DAY,
  };
}

function account(random: Random, userId: string) {
  const provider = random.favour(["github", "google", "mastodon"]);
  return {
    provider,
    provider_account_id: `fake-${random.int(10_000_000, 99_999_999)}`,
    user_id: userId,
    scopes: JSON.stringify(provider === "github" ? ["read:user", "user:email"] : ["openid", "email"]),
    linked_at: BASE_TIME - random.int(1, 60) * DAY,
  };
}

function code(random: Random, userIds: readonly string[], clientIds: readonly string[]) {
  const issued = BASE_TIME - random.int(0, 6 * HOUR);
  return {
    code_digest: random.bytes(32),
    client_id: random.favour(clientIds),
    user_id: random.pick(userIds),
    code_challenge: `fake-challenge-${random.code(28)}`,
    expires_at: issued + 10 * MINUTE,
    used_at: random.chance(0.8) ? issued + random.int(1_000, 20_000) : null,
  };
}

/** A person's sessions, each one replaced by the next: the chain of foreign keys points forward. */
function sessions(random: Random, userId: string, clientIds: readonly string[]) {
  const ids = Array.from({ length: random.int(0, 4) }, () => `ses_${random.code(24)}`);
  const first = BASE_TIME - random.int(20, 60) * DAY;
  const agent = userAgent(random);
  return ids.map((id, index) => {
    const created = first + index * 5 * DAY + random.int(0, DAY);
    const next = ids[index + 1];
    return {
      id,
      user_id: userId,
      client_id: random.chance(0.9) ? random.favour(clientIds) : null,
      refresh_digest: random.bytes(32),
      replaced_by: next ?? null,
      ip: ipAddress(random),
      user_agent: agent,
      created_at: created,
      expires_at: created + 30 * DAY,
      revoked_at: next === undefined ? null : created + 5 * DAY,
    };
  });
}

const ACTIONS = ["login.ok", "token.refreshed", "login.failed", "password.changed", "account.linked", "email.verified"];

function auditEntry(random: Random, userIds: readonly string[], number: number) {
  const action = random.favour(ACTIONS);
  const failed = action === "login.failed";
  return {
    user_id: failed && random.chance(0.5) ? null : random.favour(userIds),
    action,
    ip: random.chance(0.95) ? ipAddress(random) : null,
    detail: failed ? JSON.stringify({ reason: "wrong password", attempt: random.int(1, 5) }) : null,
    created_at: BASE_TIME - (330 - number) * 45 * MINUTE + random.int(0, 30 * MINUTE),
  };
}
