import type { DatabaseSync } from "node:sqlite";
import { DAY, HOUR, MINUTE, SECOND } from "@patina/core/date";
import { BASE_TIME } from "./base-time.ts";
import { insert } from "./insert.ts";
import { recordMigrations } from "./migrations.ts";
import { person } from "./people.ts";
import { phrase, sentence, slug } from "./prose.ts";
import { type Random, seeded } from "./random.ts";
import { snowflake } from "./snowflake.ts";

/** A shopping scout: searches that cost credits, what they found, and friends who brought friends. */

const SCHEMA = `
CREATE TABLE users (
  id INTEGER PRIMARY KEY, -- snowflake: beyond 2^53, never read it as a JavaScript number
  email TEXT NOT NULL UNIQUE COLLATE NOCASE,
  name TEXT NOT NULL,
  referral_code TEXT NOT NULL UNIQUE,
  credits INTEGER NOT NULL DEFAULT 0 CHECK (credits >= 0), -- sum of credit_ledger, kept by a trigger
  profile TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(profile)),
  plan TEXT NOT NULL GENERATED ALWAYS AS (coalesce(profile ->> '$.plan', 'free')) STORED,
  created_at INTEGER NOT NULL
);
CREATE INDEX users_paying ON users(plan, created_at) WHERE plan <> 'free';

CREATE TABLE searches (
  id INTEGER PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  query TEXT NOT NULL CHECK (trim(query) <> ''),
  filters TEXT CHECK (filters IS NULL OR json_valid(filters)),
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed')),
  cost INTEGER NOT NULL DEFAULT 1,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  duration_ms INTEGER GENERATED ALWAYS AS (ended_at - started_at) VIRTUAL
);
CREATE INDEX searches_user ON searches(user_id, started_at DESC);
CREATE INDEX searches_text ON searches(lower(trim(query)));
CREATE INDEX searches_open ON searches(started_at) WHERE ended_at IS NULL;

CREATE TABLE search_results (
  search_id INTEGER NOT NULL REFERENCES searches(id) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  title TEXT NOT NULL,
  url TEXT NOT NULL,
  price REAL,
  currency TEXT CHECK (length(currency) = 3),
  score REAL NOT NULL,
  attributes TEXT CHECK (json_valid(attributes)),
  PRIMARY KEY (search_id, place),
  CHECK ((price IS NULL) = (currency IS NULL))
) WITHOUT ROWID;

CREATE TABLE credit_ledger (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  delta INTEGER NOT NULL CHECK (delta <> 0),
  reason TEXT NOT NULL CHECK (reason IN ('welcome', 'purchase', 'referral', 'search', 'refund')),
  search_id INTEGER REFERENCES searches(id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL
);
CREATE INDEX credit_ledger_user ON credit_ledger(user_id, created_at);
CREATE UNIQUE INDEX credit_ledger_one_welcome ON credit_ledger(user_id) WHERE reason = 'welcome';

CREATE TABLE referrals (
  referred_id INTEGER PRIMARY KEY REFERENCES users(id) ON DELETE CASCADE,
  referrer_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  note TEXT,
  rewarded_at INTEGER,
  CHECK (referrer_id <> referred_id)
);
CREATE INDEX referrals_referrer ON referrals(referrer_id);

CREATE TABLE settings (
  key TEXT PRIMARY KEY NOT NULL,
  value ANY -- whatever type the feature stores; STRICT keeps 1.0 and 1 apart
) STRICT, WITHOUT ROWID;

CREATE VIEW user_balances AS
SELECT u.id, u.email, u.credits, total(l.delta) AS ledger, u.credits = coalesce(sum(l.delta), 0) AS agrees
FROM users AS u LEFT JOIN credit_ledger AS l ON l.user_id = u.id GROUP BY u.id;

CREATE VIEW referral_leaderboard AS
WITH counted AS (SELECT referrer_id, count(*) AS friends FROM referrals GROUP BY referrer_id)
SELECT rank() OVER (ORDER BY friends DESC) AS place, u.name, friends FROM counted JOIN users AS u ON u.id = referrer_id;

CREATE TRIGGER credit_ledger_balance AFTER INSERT ON credit_ledger BEGIN
  UPDATE users SET credits = credits + NEW.delta WHERE id = NEW.user_id;
END;
CREATE TRIGGER credit_ledger_append_only BEFORE DELETE ON credit_ledger
WHEN EXISTS (SELECT 1 FROM users WHERE id = OLD.user_id) BEGIN
  SELECT RAISE(ABORT, 'credits are taken back with a new row, never by deleting one');
END;
`;

export function buildScoutDb(db: DatabaseSync): void {
  const random = seeded("scout-db");
  recordMigrations(db, BASE_TIME - 300 * DAY, [
    "0001_users.sql",
    "0002_searches.sql",
    "0003_credit_ledger.sql",
    "0004_referrals.sql",
    "0005_results_without_rowid.sql",
    "0006_settings.sql",
  ]);
  db.exec(SCHEMA);

  const users = Array.from({ length: 100 }, (_, number) => user(random, number));
  const userIds = users.map(({ id }) => id);
  const searches = Array.from({ length: 215 }, (_, number) => search(random, userIds, number));
  insert(db, "users", users);
  insert(db, "searches", searches);
  insert(
    db,
    "search_results",
    searches.filter(({ status }) => status === "done").flatMap((each) => results(random, each)),
  );
  insert(db, "credit_ledger", [
    ...users.map((each) => entry(each.id, 100, "welcome", each.created_at)),
    ...users.filter(() => random.chance(0.3)).map((each) => entry(each.id, 200, "purchase", each.created_at + 3 * DAY)),
    ...searches.map((each) => ({ ...entry(each.user_id, -each.cost, "search", each.started_at), search_id: each.id })),
  ]);
  const friends = referrals(random, userIds);
  insert(db, "referrals", friends);
  insert(
    db,
    "credit_ledger",
    friends.flatMap(({ referrer_id, rewarded_at }) =>
      rewarded_at === null ? [] : [entry(referrer_id, 25, "referral", rewarded_at)],
    ),
  );
  insertSettings(db, random);
}

function user(random: Random, number: number) {
  const { name, email } = person(random, number);
  const created = BASE_TIME - (290 - number * 2) * DAY + random.int(0, DAY);
  const plan = random.favour(["free", "free", "seedling", "oak"]);
  return {
    id: snowflake(created, number),
    email,
    name,
    referral_code: `${random.pick(["FERN", "MOSS", "WREN", "PINE"])}-${1000 + number * 61}`,
    profile: JSON.stringify({ ...(plan === "free" ? {} : { plan }), sizes: { shoe: random.int(35, 46), top: "M" } }),
    created_at: created,
  };
}

const WANTED = [
  "wool socks",
  "cast-iron pan",
  "rain jacket",
  "desk lamp",
  "hiking boots",
  "teapot",
  "fountain pen",
  "露営テント",
];

function search(random: Random, userIds: readonly bigint[], number: number) {
  const started = BASE_TIME - (216 - number) * 4 * HOUR + random.int(0, 3 * HOUR);
  const status = number >= 212 ? "running" : random.favour(["done", "done", "done", "failed"]);
  const under = random.chance(0.5) ? ` under €${random.int(2, 20) * 10}` : "";
  return {
    id: snowflake(started, number),
    user_id: random.favour(userIds),
    query: `${phrase(random)} ${random.pick(WANTED)}${under}${random.chance(0.1) ? ' ("not plastic!") 🙏' : ""}`,
    filters: random.chance(0.6)
      ? JSON.stringify({ ship_to: random.pick(["DE", "CA", "JP"]), used: random.chance(0.3) })
      : null,
    status,
    cost: random.favour([1, 2, 5]),
    started_at: started,
    ended_at: status === "running" ? null : started + random.int(4 * SECOND, 2 * MINUTE),
  };
}

function results(random: Random, { id }: { readonly id: bigint }) {
  return Array.from({ length: random.int(2, 6) }, (_, index) => {
    const title = `${phrase(random)} ${random.pick(WANTED)}`;
    const price = random.chance(0.9) ? random.int(499, 24_999) / 100 : null;
    return {
      search_id: id,
      place: index + 1,
      title: random.chance(0.1) ? `${title} – "Artisan's Choice" ✨` : title,
      url: `https://shop${random.int(1, 40)}.example.com/p/${slug(title)}-${random.code(6)}`,
      price,
      currency: price === null ? null : random.favour(["EUR", "USD", "JPY"]),
      score: random.next(),
      attributes: JSON.stringify({ rating: random.int(20, 50) / 10, why: sentence(random) }),
    };
  });
}

function entry(userId: bigint, delta: number, reason: string, time: number) {
  return { user_id: userId, delta, reason, search_id: null as bigint | null, created_at: time };
}

/** Friends come after the people who brought them: a referrer is always an earlier user. */
function referrals(random: Random, userIds: readonly bigint[]) {
  const later = userIds.slice(10).filter(() => random.chance(0.4));
  return later.map((id) => ({
    referred_id: id,
    referrer_id: random.favour(userIds.slice(0, 10)),
    note: random.chance(0.3) ? `${sentence(random)}\r\n${sentence(random)}` : null, // a form's textarea sends CR LF
    rewarded_at: random.chance(0.7) ? BASE_TIME - random.int(1, 90) * DAY : null,
  }));
}

/** One of each type that a column without affinity can hold. */
function insertSettings(db: DatabaseSync, random: Random): void {
  insert(db, "settings", [
    { key: "banner", value: 'It\'s "autumn" 🍂\nFree shipping on C:\\new\\teapots' },
    { key: "cache_salt", value: random.bytes(24) },
    { key: "credit_price", value: 1 }, // bound as REAL 1.0
    { key: "last_ledger_id", value: 9_223_372_036_854_775_807n },
    { key: "ranking_weight", value: 0.1 + 0.2 },
    { key: "waitlist", value: null },
  ]);
}
