import type { DatabaseSync } from "node:sqlite";
import { DAY, dateOf, HOUR, MINUTE, SECOND } from "@patina/core/date";
import { BASE_TIME } from "./base-time.ts";
import { insert } from "./insert.ts";
import { recordMigrations } from "./migrations.ts";
import { person } from "./people.ts";
import { paragraph, phrase, sentence, slug } from "./prose.ts";
import { type Random, seeded } from "./random.ts";
import { snowflake } from "./snowflake.ts";

/** Who wrote what when: commits of a few repositories, counted by day and by language. Times are seconds. */

const SCHEMA = `
CREATE TABLE repositories (
  id INTEGER PRIMARY KEY,
  full_name TEXT NOT NULL UNIQUE,
  default_branch TEXT NOT NULL DEFAULT 'main',
  topics TEXT NOT NULL DEFAULT '[]' CHECK (json_type(topics) = 'array'),
  is_archived INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE contributors (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL COLLATE NOCASE UNIQUE
);

CREATE TABLE commits (
  id INTEGER PRIMARY KEY, -- snowflake of the push: beyond 2^53, never read it as a JavaScript number
  repository_id INTEGER NOT NULL REFERENCES repositories(id) ON DELETE CASCADE,
  contributor_id INTEGER NOT NULL REFERENCES contributors(id),
  sha BLOB NOT NULL CHECK (typeof(sha) = 'blob' AND length(sha) = 20),
  sha_hex TEXT GENERATED ALWAYS AS (lower(hex(sha))) VIRTUAL,
  message TEXT NOT NULL,
  additions INTEGER NOT NULL,
  deletions INTEGER NOT NULL,
  churn INTEGER GENERATED ALWAYS AS (additions + deletions) STORED,
  committed_at INTEGER NOT NULL,
  utc_offset INTEGER NOT NULL DEFAULT 0, -- minutes, negative west of Greenwich
  UNIQUE (repository_id, sha)
);
CREATE INDEX commits_contributor ON commits(contributor_id, committed_at);
CREATE INDEX commits_day ON commits(date(committed_at, 'unixepoch'));
CREATE INDEX commits_large ON commits(churn DESC) WHERE additions + deletions > 1000;

CREATE TABLE commit_files (
  commit_id INTEGER NOT NULL REFERENCES commits(id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  change TEXT NOT NULL DEFAULT 'M' CHECK (change IN ('A', 'M', 'D', 'R')),
  PRIMARY KEY (commit_id, path)
) WITHOUT ROWID;

CREATE TABLE language_days (
  repository_id INTEGER NOT NULL REFERENCES repositories(id) ON DELETE CASCADE,
  day TEXT NOT NULL,
  language TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  share REAL NOT NULL CHECK (share BETWEEN 0 AND 1),
  PRIMARY KEY (repository_id, day, language)
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repository_id INTEGER NOT NULL REFERENCES repositories(id) ON DELETE CASCADE,
  after_commit INTEGER REFERENCES commits(id) ON DELETE SET NULL,
  until_id INTEGER NOT NULL DEFAULT 9223372036854775807,
  report TEXT CHECK (report IS NULL OR json_valid(report)),
  started_at INTEGER NOT NULL
);

CREATE TABLE contributor_totals (
  contributor_id INTEGER PRIMARY KEY REFERENCES contributors(id) ON DELETE CASCADE,
  commits INTEGER NOT NULL DEFAULT 0,
  additions INTEGER NOT NULL DEFAULT 0,
  deletions INTEGER NOT NULL DEFAULT 0
);

CREATE VIEW commit_streaks AS
WITH days AS (SELECT DISTINCT contributor_id, unixepoch(date(committed_at, 'unixepoch')) / 86400 AS day FROM commits),
runs AS (SELECT *, day - row_number() OVER (PARTITION BY contributor_id ORDER BY day) AS run FROM days)
SELECT contributor_id, date(min(day) * 86400, 'unixepoch') AS since, count(*) AS days
FROM runs GROUP BY contributor_id, run HAVING count(*) > 1;

CREATE TRIGGER commits_count AFTER INSERT ON commits BEGIN
  INSERT INTO contributor_totals (contributor_id, commits, additions, deletions)
  VALUES (NEW.contributor_id, 1, NEW.additions, NEW.deletions)
  ON CONFLICT (contributor_id) DO UPDATE SET
    commits = commits + 1, additions = additions + excluded.additions, deletions = deletions + excluded.deletions;
END;
CREATE TRIGGER commits_uncount AFTER DELETE ON commits BEGIN
  UPDATE contributor_totals
  SET commits = commits - 1, additions = additions - OLD.additions, deletions = deletions - OLD.deletions
  WHERE contributor_id = OLD.contributor_id;
END;
`;

export function buildAutumnsgroveGitStats(db: DatabaseSync): void {
  const random = seeded("autumnsgrove-git-stats");
  recordMigrations(db, BASE_TIME - 250 * DAY, [
    "0001_commits.sql",
    "0002_language_days.sql",
    "0003_contributor_totals.sql",
  ]);
  db.exec(SCHEMA);

  const contributors = Array.from({ length: 12 }, (_, index) => ({ id: index + 1, ...person(random, index + 1) }));
  const commits = Array.from({ length: 720 }, (_, number) => commit(random, contributors, number));
  insert(
    db,
    "repositories",
    REPOSITORIES.map((name, index) => repository(random, name, index + 1)),
  );
  insert(db, "contributors", contributors);
  insert(db, "commits", commits);
  insert(
    db,
    "commit_files",
    commits.flatMap(({ id }) => files(random, id)),
  );
  insert(
    db,
    "language_days",
    REPOSITORIES.flatMap((_, index) => languageDays(random, index + 1)),
  );
  insert(
    db,
    "sync_runs",
    Array.from({ length: 60 }, (_, number) => syncRun(random, commits, number)),
  );
}

const REPOSITORIES = ["grove/engine", "grove/heartwood", "grove/scout", "grove/lantern", "grove/notes"];

function repository(random: Random, name: string, id: number) {
  return {
    id: 700_000_000 + id,
    full_name: name,
    default_branch: random.favour(["main", "trunk"]),
    topics: JSON.stringify(["grove", slug(phrase(random)), "d1"].slice(0, random.int(1, 3))),
    is_archived: id === 5 ? 1 : 0,
  };
}

const TYPES = ["feat", "fix", "docs", "refactor", "test", "chore"];

function commit(
  random: Random,
  contributors: readonly { readonly id: number; readonly name: string }[],
  number: number,
) {
  const pushed = BASE_TIME - (721 - number) * 5 * HOUR + random.int(0, 5 * HOUR - MINUTE);
  const subject = `${random.favour(TYPES)}(${random.pick(["api", "ui", "db", "auth"])}): ${sentence(random)}`;
  const author = random.favour(contributors);
  return {
    id: snowflake(pushed, number),
    repository_id: 700_000_000 + random.favour([1, 2, 3, 4, 5]),
    contributor_id: author.id,
    sha: random.bytes(20),
    message: random.chance(0.2) ? `${subject}\n\n${paragraph(random, 2)}\n\n${trailer(random, contributors)}` : subject,
    additions: Math.floor(random.next() * random.next() * random.next() * 2_500),
    deletions: Math.floor(random.next() * random.next() * random.next() * 900),
    committed_at: Math.floor((pushed - random.int(0, 40 * MINUTE)) / SECOND),
    utc_offset: random.pick([-420, -300, 0, 60, 540]),
  };
}

function trailer(random: Random, contributors: readonly { readonly name: string }[]): string {
  return random.chance(0.5) ? `Co-authored-by: ${random.pick(contributors).name} 🤝` : `Closes #${random.int(1, 400)}`;
}

function files(random: Random, commitId: bigint) {
  const paths = new Set(Array.from({ length: random.int(1, 3) }, () => path(random)));
  return [...paths].map((each) => ({ commit_id: commitId, path: each, change: random.favour(["M", "A", "D", "R"]) }));
}

function path(random: Random): string {
  return `${random.favour(["src", "src/lib", "docs", "test"])}/${slug(phrase(random))}.${random.favour(["ts", "svelte", "md"])}`;
}

/** Shares of a day add up to one only as far as binary fractions allow. */
function languageDays(random: Random, repository: number) {
  return Array.from({ length: 20 }, (_, index) => {
    const bytes = ["TypeScript", "Svelte", "CSS", "SQL"].map((language) => ({
      language,
      bytes: random.int(900, 400_000),
    }));
    const total = bytes.reduce((sum, each) => sum + each.bytes, 0);
    const day = dateOf(BASE_TIME - (20 - index) * DAY);
    return bytes.map((each) => ({ repository_id: 700_000_000 + repository, day, ...each, share: each.bytes / total }));
  }).flat();
}

/** The largest integer SQLite has: a run that takes everything there is. */
const END_OF_IDS = 9_223_372_036_854_775_807n;

function syncRun(random: Random, commits: readonly { readonly id: bigint }[], number: number) {
  const seen = commits.slice(number * 12, number * 12 + 12);
  return {
    repository_id: 700_000_000 + random.int(1, 5),
    after_commit: seen[0]?.id ?? null,
    until_id: (number === 59 ? null : seen.at(-1)?.id) ?? END_OF_IDS,
    report: random.chance(0.9)
      ? JSON.stringify({ seen: 12, new: random.int(0, 12), took: random.int(80, 900) / 1_000 })
      : null,
    started_at: Math.floor((BASE_TIME - (60 - number) * 12 * HOUR) / SECOND),
  };
}
