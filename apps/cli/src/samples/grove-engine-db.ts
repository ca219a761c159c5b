import type { DatabaseSync } from "node:sqlite";
import { DAY, dateOf, HOUR } from "@patina/core/date";
import { BASE_TIME } from "./base-time.ts";
import { insert } from "./insert.ts";
import { recordMigrations } from "./migrations.ts";
import { person } from "./people.ts";
import { paragraph, phrase, sentence, slug } from "./prose.ts";
import { type Random, seeded } from "./random.ts";
import { thumbnail } from "./thumbnail.ts";

/** The core that serves every site: tenants, their pages, media, navigation and visits. Times are seconds. */

const SCHEMA = `
CREATE TABLE tenants (
  id INTEGER PRIMARY KEY,
  subdomain TEXT NOT NULL UNIQUE CHECK (subdomain = lower(subdomain) AND subdomain NOT GLOB '*[^a-z0-9-]*'),
  title TEXT NOT NULL,
  owner_email TEXT NOT NULL,
  plan TEXT NOT NULL DEFAULT 'seedling' CHECK (plan IN ('seedling', 'sapling', 'oak')),
  theme TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(theme)),
  accent TEXT GENERATED ALWAYS AS (json_extract(theme, '$.accent')) VIRTUAL,
  created_at INTEGER NOT NULL DEFAULT (unixepoch()),
  suspended_at INTEGER
);

CREATE TABLE domains (
  hostname TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id) ON DELETE CASCADE,
  is_primary INTEGER NOT NULL DEFAULT 0 CHECK (is_primary IN (0, 1)),
  verified_at INTEGER
);
CREATE UNIQUE INDEX domains_one_primary ON domains(tenant_id) WHERE is_primary = 1;

CREATE TABLE pages (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id) ON DELETE CASCADE,
  path TEXT NOT NULL CHECK (substr(path, 1, 1) = '/'),
  title TEXT NOT NULL,
  body TEXT NOT NULL DEFAULT '',
  meta TEXT CHECK (meta IS NULL OR json_valid(meta)),
  published_at INTEGER,
  updated_at INTEGER NOT NULL,
  UNIQUE (tenant_id, id), -- what composite foreign keys point at, so that no tenant can link another's page
  UNIQUE (tenant_id, path)
);
CREATE INDEX pages_drafts ON pages(tenant_id, updated_at DESC) WHERE published_at IS NULL;
CREATE INDEX pages_title ON pages(tenant_id, lower(title));

CREATE TABLE nav_items (
  id INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  parent_id INTEGER REFERENCES nav_items(id) ON DELETE CASCADE,
  page_id INTEGER,
  label TEXT NOT NULL,
  position INTEGER NOT NULL DEFAULT 0,
  FOREIGN KEY (tenant_id, page_id) REFERENCES pages(tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX nav_items_parent ON nav_items(parent_id, position);

CREATE TABLE media (
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
  tenant_id INTEGER NOT NULL REFERENCES tenants(id) ON DELETE CASCADE,
  file_name TEXT NOT NULL,
  content_type TEXT NOT NULL,
  bytes INTEGER NOT NULL CHECK (bytes > 0),
  preview BLOB, -- 16x16, image/bmp
  alt TEXT,
  uploaded_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, sha256)
);

CREATE TABLE feature_flags (
  name TEXT NOT NULL,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id) ON DELETE CASCADE,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  rollout REAL NOT NULL DEFAULT 1.0 CHECK (rollout BETWEEN 0.0 AND 1.0),
  PRIMARY KEY (name, tenant_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE page_views (
  page_id INTEGER NOT NULL REFERENCES pages(id) ON DELETE CASCADE,
  day TEXT NOT NULL,
  views INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (page_id, day)
) WITHOUT ROWID;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id) ON DELETE CASCADE,
  topic TEXT NOT NULL,
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  sent_at INTEGER
);
CREATE INDEX outbox_waiting ON outbox(id) WHERE sent_at IS NULL;

CREATE VIEW nav_tree AS
WITH RECURSIVE tree(id, tenant_id, label, depth, trail) AS (
  SELECT id, tenant_id, label, 0, printf('%04d', position) FROM nav_items WHERE parent_id IS NULL
  UNION ALL
  SELECT n.id, n.tenant_id, n.label, t.depth + 1, t.trail || '/' || printf('%04d', n.position)
  FROM nav_items AS n JOIN tree AS t ON n.parent_id = t.id
)
SELECT * FROM tree;

CREATE VIEW published_pages AS
SELECT p.id, t.subdomain, p.path, p.title, p.published_at
FROM pages AS p JOIN tenants AS t ON t.id = p.tenant_id
WHERE p.published_at IS NOT NULL AND t.suspended_at IS NULL;

CREATE TRIGGER published_pages_unpublish INSTEAD OF DELETE ON published_pages BEGIN
  UPDATE pages SET published_at = NULL, updated_at = unixepoch() WHERE id = OLD.id;
END;
CREATE TRIGGER pages_announce AFTER UPDATE OF published_at ON pages
WHEN OLD.published_at IS NULL AND NEW.published_at IS NOT NULL BEGIN
  INSERT INTO outbox (tenant_id, topic, payload)
  VALUES (NEW.tenant_id, 'page.published', json_object('page', NEW.id, 'path', NEW.path, 'title', NEW.title));
END;
`;

export function buildGroveEngineDb(db: DatabaseSync): void {
  const random = seeded("grove-engine-db");
  recordMigrations(db, BASE_TIME - 350 * DAY, [
    "0001_tenants.sql",
    "0002_pages.sql",
    "0003_navigation.sql",
    "0004_media_previews.sql",
    "0005_feature_flags.sql",
    "0006_page_views_without_rowid.sql",
    "0007_outbox.sql",
  ]);
  db.exec(SCHEMA);

  const tenants = Array.from({ length: 13 }, (_, index) => tenant(random, index + 1));
  const pages = tenants.flatMap((each) => pagesOf(random, each.id));
  insert(db, "tenants", tenants);
  insert(
    db,
    "domains",
    tenants.flatMap((each) => domains(random, each)),
  );
  insert(db, "pages", pages);
  insert(db, "nav_items", pages.map(navItem));
  insert(
    db,
    "media",
    tenants.flatMap((each) => media(random, each.id)),
  );
  insert(
    db,
    "feature_flags",
    tenants.flatMap((each) => flags(random, each.id)),
  );
  insert(
    db,
    "page_views",
    pages.flatMap((each) => views(random, each.id)),
  );

  // Published by an UPDATE, as the editor does it, so that the trigger fills the outbox.
  const publish = db.prepare("UPDATE pages SET published_at = ? WHERE id = ?");
  for (const page of pages.filter(() => random.chance(0.8))) publish.run(page.updated_at, page.id);
  db.prepare("UPDATE outbox SET sent_at = ? WHERE id <= 50").run(seconds(BASE_TIME - HOUR));
}

function seconds(time: number): number {
  return Math.floor(time / 1_000);
}

function tenant(random: Random, id: number) {
  const name = phrase(random);
  const owner = person(random, id);
  const accent = `#${random.int(0x100000, 0xffffff).toString(16)}`;
  return {
    id,
    subdomain: `${slug(name)}-${id}`,
    title: random.chance(0.3) ? `${owner.name}'s "${name}" 🌳` : `The ${name}`,
    owner_email: owner.email,
    plan: random.favour(["seedling", "sapling", "oak"]),
    theme: JSON.stringify({ accent, font: random.pick(["Lexend", "Atkinson"]), layout: { columns: random.int(1, 3) } }),
    created_at: seconds(BASE_TIME - random.int(201, 340) * DAY),
    suspended_at: random.chance(0.05) ? seconds(BASE_TIME - 5 * DAY) : null,
  };
}

function domains(random: Random, { id, subdomain }: { readonly id: number; readonly subdomain: string }) {
  const own = { hostname: `${subdomain}.grove.example`, tenant_id: id, is_primary: 1, verified_at: seconds(BASE_TIME) };
  if (!random.chance(0.4)) return [own];
  return [own, { hostname: `www.${subdomain}.example.org`, tenant_id: id, is_primary: 0, verified_at: null }];
}

function pagesOf(random: Random, tenantId: number) {
  return Array.from({ length: random.int(4, 8) }, (_, index) => {
    const title = index === 0 ? "Home" : `${phrase(random)}${random.chance(0.1) ? " — draft “final” №2" : ""}`;
    const body = [`# ${title}`, ...Array.from({ length: random.int(1, 3) }, () => paragraph(random, 3))].join("\n\n");
    return {
      id: tenantId * 100 + index,
      tenant_id: tenantId,
      path: index === 0 ? "/" : `/${slug(title)}-${index}`,
      title,
      body,
      meta: random.chance(0.5) ? JSON.stringify({ description: sentence(random), noindex: random.chance(0.1) }) : null,
      published_at: null,
      updated_at: seconds(BASE_TIME - random.int(1, 200) * DAY) + random.int(0, 86_399),
    };
  });
}

/** Home is the root of each site's menu; every third page hangs under the one before it. */
function navItem(page: { readonly id: number; readonly tenant_id: number; readonly title: string }) {
  const index = page.id % 100;
  const parent = index === 0 ? null : index % 3 === 0 ? page.id - 1 : page.id - index;
  return {
    id: page.id,
    tenant_id: page.tenant_id,
    parent_id: parent,
    page_id: page.id,
    label: page.title,
    position: index,
  };
}

function media(random: Random, tenantId: number) {
  return Array.from({ length: random.int(0, 2) }, () => ({
    sha256: random.bytes(32),
    tenant_id: tenantId,
    file_name: `${slug(phrase(random))}.${random.pick(["jpg", "png", "webp"])}`,
    content_type: random.pick(["image/jpeg", "image/png", "image/webp"]),
    bytes: random.int(8_000, 4_000_000),
    preview: random.chance(0.8) ? thumbnail(random, 16) : null,
    alt: random.chance(0.6) ? sentence(random) : "",
    uploaded_at: seconds(BASE_TIME - random.int(1, 200) * DAY),
  }));
}

function flags(random: Random, tenantId: number) {
  const names = ["comments", "fediverse", "midnight_theme"].filter(() => random.chance(0.6));
  return names.map((name) => ({
    name,
    tenant_id: tenantId,
    enabled: Number(random.chance(0.7)),
    rollout: random.favour([1, 0.5, 0.1]),
  }));
}

function views(random: Random, pageId: number) {
  return Array.from({ length: 7 }, (_, index) => ({
    page_id: pageId,
    day: dateOf(BASE_TIME - (7 - index) * DAY),
    views: Math.floor(random.next() * random.next() * 400),
  }));
}
