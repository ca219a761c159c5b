import type { DatabaseSync } from "node:sqlite";
import { DAY, HOUR, MINUTE, timestamp } from "@patina/core/date";
import { BASE_TIME } from "./base-time.ts";
import { insert } from "./insert.ts";
import { recordMigrations, sqlTimestamp } from "./migrations.ts";
import { person } from "./people.ts";
import { FIRST_POST, POST_TITLES } from "./post-texts.ts";
import { paragraph, phrase, sentence, slug } from "./prose.ts";
import { type Random, seeded } from "./random.ts";
import { thumbnail } from "./thumbnail.ts";

/** A blog with full-text search: an external-content FTS5 index that three triggers keep equal to the posts. */

const SCHEMA = `
CREATE TABLE authors (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  bio TEXT,
  avatar BLOB -- 16x16, image/bmp
);

CREATE TABLE posts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  author_id INTEGER NOT NULL REFERENCES authors(id),
  slug TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  summary TEXT,
  body TEXT NOT NULL, -- Markdown
  front_matter TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(front_matter)),
  mood TEXT GENERATED ALWAYS AS (front_matter ->> '$.mood') VIRTUAL,
  word_count INTEGER GENERATED ALWAYS AS (length(body) - length(replace(body, ' ', '')) + 1) STORED,
  comment_count INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  published_at TEXT
);
CREATE INDEX posts_published ON posts(published_at DESC) WHERE published_at IS NOT NULL;
CREATE INDEX posts_year ON posts(substr(published_at, 1, 4), mood);

CREATE TABLE tags (name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE, description TEXT) WITHOUT ROWID;

CREATE TABLE post_tags (
  post_id INTEGER NOT NULL REFERENCES posts(id) ON DELETE CASCADE,
  tag TEXT NOT NULL REFERENCES tags(name) ON UPDATE CASCADE,
  PRIMARY KEY (post_id, tag)
) WITHOUT ROWID;
CREATE INDEX post_tags_tag ON post_tags(tag);

CREATE TABLE comments (
  id INTEGER PRIMARY KEY,
  post_id INTEGER NOT NULL REFERENCES posts(id) ON DELETE CASCADE,
  reply_to INTEGER REFERENCES comments(id) ON DELETE SET NULL,
  author_name TEXT NOT NULL,
  body TEXT NOT NULL,
  approved_at TEXT,
  created_at TEXT NOT NULL
);
CREATE INDEX comments_waiting ON comments(created_at) WHERE approved_at IS NULL;
CREATE INDEX comments_post ON comments(post_id, created_at);

CREATE VIRTUAL TABLE posts_fts USING fts5(
  title, summary, body,
  content='posts', content_rowid='id',
  tokenize='porter unicode61 remove_diacritics 2'
);

CREATE VIEW published_posts AS
SELECT p.id, p.slug, p.title, p.mood, p.word_count, a.name AS author, p.published_at,
  (SELECT group_concat(tag, ', ') FROM (SELECT tag FROM post_tags WHERE post_id = p.id ORDER BY tag)) AS tags
FROM posts AS p JOIN authors AS a ON a.id = p.author_id
WHERE p.published_at IS NOT NULL;

CREATE TRIGGER posts_fts_insert AFTER INSERT ON posts BEGIN
  INSERT INTO posts_fts (rowid, title, summary, body) VALUES (NEW.id, NEW.title, NEW.summary, NEW.body);
END;
CREATE TRIGGER posts_fts_delete AFTER DELETE ON posts BEGIN
  INSERT INTO posts_fts (posts_fts, rowid, title, summary, body)
  VALUES ('delete', OLD.id, OLD.title, OLD.summary, OLD.body);
END;
CREATE TRIGGER posts_fts_update AFTER UPDATE OF title, summary, body ON posts BEGIN
  INSERT INTO posts_fts (posts_fts, rowid, title, summary, body)
  VALUES ('delete', OLD.id, OLD.title, OLD.summary, OLD.body);
  INSERT INTO posts_fts (rowid, title, summary, body) VALUES (NEW.id, NEW.title, NEW.summary, NEW.body);
END;
CREATE TRIGGER comments_approved AFTER UPDATE OF approved_at ON comments
WHEN OLD.approved_at IS NULL AND NEW.approved_at IS NOT NULL BEGIN
  UPDATE posts SET comment_count = comment_count + 1 WHERE id = NEW.post_id;
END;
`;

export function buildAutumnsgrovePosts(db: DatabaseSync): void {
  const random = seeded("autumnsgrove-posts");
  recordMigrations(db, BASE_TIME - 500 * DAY, [
    "0001_initial.sql",
    "0002_tags.sql",
    "0003_comments.sql",
    "0004_full_text_search.sql",
    "0005_word_count_stored.sql",
  ]);
  db.exec(SCHEMA);

  const authors = Array.from({ length: 4 }, (_, index) => author(random, index + 1));
  const posts = POST_TITLES.map((title, index) => post(random, title, index));
  const comments = threads(random, 20);
  insert(db, "authors", authors);
  insert(db, "posts", posts);
  insert(
    db,
    "tags",
    TAGS.map((name) => ({ name, description: random.chance(0.5) ? sentence(random) : null })),
  );
  insert(
    db,
    "post_tags",
    posts.flatMap((_, index) => postTags(random, index + 1)),
  );
  insert(db, "comments", comments);

  const approve = db.prepare("UPDATE comments SET approved_at = ? WHERE id = ?");
  for (const { id, created_at } of comments.filter(() => random.chance(0.85))) approve.run(created_at, id);
  // An edit and a deletion, so that all three triggers of the index have run and a rowid is missing in the middle.
  db.exec("UPDATE posts SET summary = 'Now with tomatoes.' WHERE id = 3; DELETE FROM posts WHERE id = 7");
  db.exec("INSERT INTO posts_fts (posts_fts) VALUES ('optimize')");
}

/** The posts after these are drafts. */
const PUBLISHED = 19;

const TAGS = ["Garden", "software", "sqlite", "letters", "café", "日記"];

function author(random: Random, id: number) {
  const { name, email } = person(random, id);
  return { id, name, email, bio: `${sentence(random)} 🍁`, avatar: thumbnail(random, 16) };
}

function post(random: Random, title: string, index: number) {
  const created = BASE_TIME - (500 - index * 22) * DAY + random.int(6 * HOUR, 20 * HOUR);
  const front = {
    mood: random.pick(["calm", "stormy", "hopeful"]),
    cover: `covers/${random.code(8)}.webp`,
    toc: index % 3 === 0,
  };
  return {
    author_id: random.int(1, 4),
    slug: slug(title) || `post-${index + 1}`,
    title,
    summary: random.chance(0.8) ? sentence(random) : null,
    body: index === 0 ? FIRST_POST : body(random),
    front_matter: JSON.stringify(front),
    created_at: sqlTimestamp(created),
    updated_at: sqlTimestamp(created + random.int(0, 9) * DAY),
    published_at: index < PUBLISHED ? timestamp(created + HOUR) : null,
  };
}

function body(random: Random): string {
  const list = Array.from({ length: random.int(2, 4) }, () => `- ${phrase(random)}, *${phrase(random)}*`);
  return [
    paragraph(random, 2),
    `## ${phrase(random)}`,
    paragraph(random, random.int(1, 2)),
    list.join("\n"),
    `> ${sentence(random)}`,
  ].join("\n\n");
}

function postTags(random: Random, postId: number) {
  return TAGS.filter(() => random.chance(0.35)).map((tag) => ({ post_id: postId, tag }));
}

type Comment = ReturnType<typeof comment>;

/** Comments on published posts; about every third one answers an earlier one under the same post. */
function threads(random: Random, count: number): Comment[] {
  const comments: Comment[] = [];
  for (let id = 1; id <= count; id++) {
    const postId = random.favour(Array.from({ length: PUBLISHED }, (_, index) => PUBLISHED - index));
    const earlier = comments.filter(({ post_id }) => post_id === postId);
    comments.push(comment(random, id, { postId, replyTo: random.chance(0.7) ? earlier.at(-1)?.id : undefined }));
  }
  return comments;
}

interface Place {
  readonly postId: number;
  readonly replyTo: number | undefined;
}

function comment(random: Random, id: number, { postId, replyTo }: Place) {
  const { name } = person(random, id);
  const created = BASE_TIME - (21 - id) * 5 * HOUR - random.int(0, 200) * MINUTE;
  const lines = Array.from({ length: random.int(1, 2) }, () => sentence(random));
  return {
    id,
    post_id: postId,
    reply_to: replyTo ?? null,
    author_name: name,
    body: lines.join("\r\n"), // a form's textarea sends CR LF
    created_at: timestamp(created),
  };
}
