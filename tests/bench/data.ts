import { existsSync, rmSync } from "node:fs";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

/** A database to measure with: how it is made, and which table has its rows. */
export interface Dataset {
  readonly name: string;
  readonly rows: number;
  readonly schema: readonly string[];
  readonly insert: string;
  readonly row: (i: number, random: () => number) => SQLInputValue[];
}

/** Writes a dataset into a SQLite file, the same bytes each time; a file that is there already is kept. */
export function makeDataset(path: string, { rows, schema, insert, row }: Dataset): void {
  if (existsSync(path)) return;
  const database = new DatabaseSync(`${path}.part`);
  database.exec("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN");
  for (const sql of schema) database.exec(sql);
  const statement = database.prepare(insert);
  const random = randomNumbers(20_261_120);
  for (let i = 0; i < rows; i += 1) statement.run(...row(i, random));
  database.exec("COMMIT");
  database.exec(`VACUUM INTO '${path.replaceAll("'", "''")}'`);
  database.close();
  rmSync(`${path}.part`);
}

/** Numbers from 0 to 1 that look random and are the same in each run (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WORDS =
  "alpine basket candle driver ember forest garden harbor island jacket kettle lantern meadow needle orchard pepper quarry ribbon silver timber umbrella velvet willow yellow zephyr".split(
    " ",
  );

function word(random: () => number): string {
  return WORDS[Math.floor(random() * WORDS.length)] ?? "";
}

function hex(random: () => number, digits: number): string {
  let text = "";
  while (text.length < digits)
    text += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  return text.slice(0, digits);
}

/** Accounts as an application has them: 200,000 are about 65 MB. */
export function accounts(rows: number): Dataset {
  return {
    name: `accounts-${rows}`,
    rows,
    schema: [
      `CREATE TABLE accounts (id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, email TEXT NOT NULL, visits INTEGER NOT NULL,
        balance REAL NOT NULL, avatar BLOB, settings TEXT NOT NULL, created_at TEXT NOT NULL)`,
      "CREATE INDEX accounts_email ON accounts(email)",
    ],
    insert: "INSERT INTO accounts VALUES (?,?,?,?,?,?,?,?)",
    row(i, random) {
      const id = hex(random, 32);
      const email = `${word(random)}.${word(random)}${i}@example.com`;
      const settings = JSON.stringify({
        theme: random() < 0.5 ? "dark" : "light",
        city: word(random),
        tags: [word(random), word(random), word(random)],
        note: `${word(random)} ${word(random)}'s ${word(random)} ${word(random)} ${word(random)}`,
        seen: Math.floor(random() * 1e9),
        ratio: Math.floor(random() * 1000) / 1000,
      });
      return [
        i + 1,
        `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`,
        email,
        Math.floor(random() * 10_000),
        Math.floor(random() * 1_000_000) / 100,
        Buffer.from(hex(random, 32), "hex"),
        settings,
        new Date(1_700_000_000_000 + Math.floor(random() * 6e10)).toISOString(),
      ];
    },
  };
}

/** Rows of many tenants, one of which has four in five, under a key of mixed directions and no rowid. */
export function tenants(rows: number): Dataset {
  return {
    name: `tenants-${rows}`,
    rows,
    schema: [
      `CREATE TABLE events (tenant TEXT NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT, payload TEXT,
        PRIMARY KEY (tenant ASC, at DESC, id ASC)) WITHOUT ROWID`,
    ],
    insert: "INSERT INTO events VALUES (?,?,?,?,?)",
    row(i, random) {
      const tenant = random() < 0.8 ? "huge" : `tenant-${Math.floor(random() * 1_000)}`;
      const payload = JSON.stringify({ a: word(random), b: word(random), n: Math.floor(random() * 1e6) });
      return [tenant, 1_763_000_000 + Math.floor(random() * 1e6), `e${i}-${hex(random, 8)}`, word(random), payload];
    },
  };
}

/** Measurements: mostly REALs, as decimals of a few places or as computed values of all 17 digits. */
export function measurements(rows: number, { digits }: { digits: "few" | "all" }): Dataset {
  const real = (random: () => number, size: number, places: number) =>
    digits === "all" ? (random() - 0.5) * size : Math.round((random() - 0.5) * size * 10 ** places) / 10 ** places;
  return {
    name: `measurements-${digits}-${rows}`,
    rows,
    schema: [
      `CREATE TABLE measurements (id INTEGER PRIMARY KEY, latitude REAL, longitude REAL, height REAL, temperature REAL,
        pressure REAL, wind REAL, rain REAL, voltage REAL, at INTEGER)`,
    ],
    insert: "INSERT INTO measurements VALUES (?,?,?,?,?,?,?,?,?,?)",
    row: (i, random) => [
      i + 1,
      real(random, 180, 7),
      real(random, 360, 7),
      real(random, 4_000, 2),
      real(random, 60, 1),
      real(random, 2_000, 2),
      real(random, 40, 1),
      real(random, 10, 3),
      real(random, 24, 3),
      1_763_000_000 + i,
    ],
  };
}

/** Rows of one size, of BLOBs or of text that is all four-byte characters, and rows of 20 bytes between them. */
export function bulky(
  name: string,
  { rows, bytes, kind, between = 0 }: { rows: number; bytes: number; kind: "blobs" | "emoji"; between?: number },
): Dataset {
  const step = between + 1;
  return {
    name,
    rows: rows * step,
    schema: [`CREATE TABLE bulky (id INTEGER PRIMARY KEY, v ${kind === "blobs" ? "BLOB" : "TEXT"})`],
    insert: "INSERT INTO bulky VALUES (?,?)",
    row(i, random) {
      if (i % step !== 0) return [i + 1, `a short row ${i}`];
      return [i + 1, kind === "blobs" ? Buffer.from(hex(random, 2 * bytes), "hex") : "😀".repeat(bytes / 4)];
    },
  };
}
