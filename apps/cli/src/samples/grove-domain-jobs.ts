import type { DatabaseSync } from "node:sqlite";
import { DAY, MINUTE, SECOND, timestamp } from "@patina/core/date";
import { BASE_TIME } from "./base-time.ts";
import { insert } from "./insert.ts";
import { recordMigrations } from "./migrations.ts";
import { paragraph, phrase, slug } from "./prose.ts";
import { type Random, seeded } from "./random.ts";

/** Jobs that look for a free domain name. Every suffix ends in `.example`, which nobody can register. */

const SCHEMA = `
CREATE TABLE jobs (
  id TEXT PRIMARY KEY NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'complete', 'failed')),
  brief TEXT NOT NULL,
  options TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(options)),
  error TEXT,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')),
  finished_at TEXT,
  CHECK ((status = 'failed') = (error IS NOT NULL))
);
CREATE INDEX jobs_open ON jobs(created_at) WHERE status IN ('pending', 'running');

CREATE TABLE candidates (
  job_id TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
  domain TEXT NOT NULL COLLATE NOCASE,
  is_free INTEGER CHECK (is_free IN (0, 1)), -- null: not looked up yet
  price_cents INTEGER,
  score REAL NOT NULL,
  price TEXT GENERATED ALWAYS AS (printf('$%.2f', price_cents / 100.0)) VIRTUAL,
  PRIMARY KEY (job_id, domain)
) WITHOUT ROWID;

CREATE TABLE job_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
  step TEXT NOT NULL,
  detail TEXT,
  created_at TEXT NOT NULL
);
CREATE INDEX job_events_job ON job_events(job_id, id);

CREATE VIEW best_candidates AS
SELECT job_id, domain, price, score FROM (
  SELECT *, row_number() OVER (PARTITION BY job_id ORDER BY score DESC, domain) AS place FROM candidates WHERE is_free
) WHERE place <= 3;

CREATE TRIGGER job_ended AFTER UPDATE OF status ON jobs WHEN NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL BEGIN
  INSERT INTO job_events (job_id, step, detail, created_at)
  VALUES (NEW.id, 'ended', json_object('status', NEW.status, 'error', NEW.error), NEW.finished_at);
END;
`;

export function buildGroveDomainJobs(db: DatabaseSync): void {
  const random = seeded("grove-domain-jobs");
  recordMigrations(db, BASE_TIME - 120 * DAY, ["0001_jobs.sql", "0002_candidates.sql", "0003_job_events.sql"]);
  db.exec(SCHEMA);

  const jobs = Array.from({ length: 9 }, (_, number) => job(random, number));
  insert(
    db,
    "jobs",
    jobs.map((each) => each.row),
  );
  insert(
    db,
    "candidates",
    jobs.flatMap((each) => candidates(random, each.row.id)),
  );
  insert(
    db,
    "job_events",
    jobs.flatMap((each) => events(random, each.row.id, each.start)),
  );

  // Ended by an UPDATE, as the worker does it, so that the trigger writes the last event. One job is still running.
  const end = db.prepare("UPDATE jobs SET status = ?, error = ?, finished_at = ? WHERE id = ?");
  for (const { row, start } of jobs.slice(0, -1)) {
    const failed = random.chance(0.15);
    const error = failed ? "Lookup service answered 503\nRetry-After: 120" : null;
    end.run(failed ? "failed" : "complete", error, timestamp(start + random.int(1, 9) * MINUTE), row.id);
  }
}

function job(random: Random, number: number) {
  const start = BASE_TIME - (8 - number) * 3 * DAY - random.int(10, 500) * MINUTE;
  const row = {
    id: `job_${random.code(16)}`,
    status: "running",
    brief: `A name for "${phrase(random)}" ${random.pick(["🌱", "📚", "🧶"])}\n\n${paragraph(random, 2)}`,
    options: JSON.stringify({
      vibe: random.pick(["earthy", "crisp", "playful"]),
      max_price: random.int(10, 60),
      swarm: 4,
    }),
    created_at: timestamp(start),
  };
  return { row, start };
}

const SUFFIXES = ["example", "com.example", "dev.example", "garden.example", "place.example"];

function candidates(random: Random, jobId: string) {
  const names = new Set(Array.from({ length: 9 }, () => `${slug(phrase(random))}.${random.favour(SUFFIXES)}`));
  return [...names].map((domain) => {
    const isFree = random.chance(0.9) ? Number(random.chance(0.4)) : null;
    return {
      job_id: jobId,
      domain,
      is_free: isFree,
      price_cents: isFree === 1 ? random.int(8, 60) * 100 + 99 : null,
      score: random.next(),
    };
  });
}

function events(random: Random, jobId: string, start: number) {
  return ["queued", "names invented", "names looked up"].map((step, index) => ({
    job_id: jobId,
    step,
    detail: index === 0 ? null : `batch ${index} of 2 after ${random.int(200, 9_000)} ms`,
    created_at: timestamp(start + index * random.int(5, 50) * SECOND),
  }));
}
