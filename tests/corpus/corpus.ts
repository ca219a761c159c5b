import { ALTERATIONS } from "./alterations.ts";
import type { Case } from "./case.ts";
import { COUNTERS } from "./counters.ts";
import { FOREIGN_KEYS } from "./foreign-keys.ts";
import { FTS } from "./fts.ts";
import { FTS_EXTERNAL } from "./fts-external.ts";
import { GENERATED } from "./generated.ts";
import { INDEXES } from "./indexes.ts";
import { KEYS } from "./keys.ts";
import { NAMES } from "./names.ts";
import { NUMBERS } from "./numbers.ts";
import { ROWIDS } from "./rowids.ts";
import { ROWS } from "./rows.ts";
import { RTREE } from "./rtree.ts";
import { SIZES } from "./sizes.ts";
import { SQL_TEXT } from "./sql-text.ts";
import { STATISTICS } from "./statistics.ts";
import { TABLES } from "./tables.ts";
import { TEXT } from "./text.ts";
import { TRIGGERS } from "./triggers.ts";
import { TYPES } from "./types.ts";
import { VIEWS } from "./views.ts";
import { WHOLE } from "./whole.ts";

export type { Case } from "./case.ts";

/** The cases under the heading that the README gives them. */
export const THEMES: Readonly<Record<string, readonly Case[]>> = {
  Numbers: NUMBERS,
  "Types and BLOBs": TYPES,
  Text: TEXT,
  "Text that looks like SQL": SQL_TEXT,
  Rows: ROWS,
  "Long rows": SIZES,
  Rowids: ROWIDS,
  "Keys of WITHOUT ROWID tables": KEYS,
  "CREATE TABLE": TABLES,
  "Generated columns": GENERATED,
  "ALTER TABLE": ALTERATIONS,
  Names: NAMES,
  Indexes: INDEXES,
  Views: VIEWS,
  Triggers: TRIGGERS,
  "Foreign keys": FOREIGN_KEYS,
  "AUTOINCREMENT counters": COUNTERS,
  Statistics: STATISTICS,
  "FTS5 with its own text, or none": FTS,
  "FTS5 over another table": FTS_EXTERNAL,
  "R*Tree": RTREE,
  "Whole databases": WHOLE,
};

export const CORPUS: readonly Case[] = Object.values(THEMES).flat();
