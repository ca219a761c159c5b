import { createHash } from "node:crypto";
import { createGunzip } from "node:zlib";
import { definitionsDigest } from "@patina/archive/definitions-digest";
import type { Manifest } from "@patina/archive/manifest";
import type { StoredBytes } from "@patina/archive/range-reader";
import { stretchesOf, tableAt } from "@patina/archive/stretches";
import { PatinaError } from "@patina/core/error";
import type { Expected as ExpectedWhole } from "@patina/dump/expected";
import { StatementSplitter } from "@patina/dump/statements";
import type { Backup } from "../backups/backup.ts";
import { selectedPieces, tablesNamed } from "./selection.ts";

/** What a restored table must be. */
export interface ExpectedTable {
  readonly name: string;
  readonly rows: number;
  /** Null where no manifest tells. */
  readonly digest: string | null;
}

/** What must come out of a restore; known once all pieces have been read. */
export interface Expected {
  readonly tables: readonly ExpectedTable[];
  /** What a manifest says of the whole database; null without one, or where only some tables are restored. */
  readonly whole: ExpectedWhole | null;
  /** Rows of a table that the dump only holds as comments, because no INSERT takes them. */
  readonly uninsertable: ReadonlyMap<string, number>;
}

/** What is to be restored: SQL in pieces, and what must come out of it. */
export interface Content {
  readonly backup: Backup;
  readonly manifest: Manifest | null;
  /** Null for everything. */
  readonly tables: readonly string[] | null;
  /** Rows of what is to be restored, and bytes of its SQL; null where nobody knows before it is read. */
  readonly rows: number | null;
  readonly bytes: number | null;
  /**
   * Pieces of about a megabyte, each ending where a statement ends. Whoever reads to the end has read all of it, proven
   * by digest where there is a manifest. Everything comes with the dump's own transaction; some tables come with none.
   *
   * @throws {PatinaError} `backup_damaged`
   */
  pieces(): AsyncIterable<string>;
  expected(): Expected;
}

/**
 * What a restore of a backup, or of some of its tables, consists of.
 *
 * @throws {CommandError} exit 10 when it has no such table, exit 2 when its tables cannot be told apart
 */
export async function contentOf(backup: Backup, tables: readonly string[]): Promise<Content> {
  const manifest = await backup.manifest();
  if (tables.length > 0) return someTables(backup, { manifest, names: tables });
  return manifest === null ? loneDump(backup) : everything(backup, manifest);
}

function everything(backup: Backup, manifest: Manifest): Content {
  const uninsertable = new Map<string, number>();
  let whole: ExpectedWhole | null = null;
  return {
    backup,
    manifest,
    tables: null,
    rows: manifest.rows,
    bytes: manifest.sql.bytes,
    expected: () => ({ tables: manifest.tables, whole, uninsertable }),
    async *pieces() {
      uninsertable.clear();
      const hash = createHash("sha256");
      for await (const { text, start } of stretchesOf(manifest, { stored: backup.stored, start: 0 })) {
        hash.update(text);
        for (const at of uninsertableRows(text)) {
          const table = tableAt(manifest, start + Buffer.byteLength(text.slice(0, at))) ?? "";
          uninsertable.set(table, (uninsertable.get(table) ?? 0) + 1);
        }
        yield text;
      }
      if (hash.digest("hex") !== manifest.sql.sha256) throw damaged(backup, "its SQL is not what its manifest says");
      whole = {
        tables: manifest.tables,
        definitions: await definitionsDigest(manifest, backup.stored),
        schema: manifest.schema,
        isFuzzy: manifest.consistency === "fuzzy",
        uninsertable,
        refused: new Set(),
      };
    },
  };
}

function someTables(
  backup: Backup,
  { manifest, names }: { manifest: Manifest | null; names: readonly string[] },
): Content {
  const chosen = tablesNamed(backup, { manifest, names });
  const uninsertable = new Map<string, number>();
  return {
    backup,
    manifest: chosen.manifest,
    tables: chosen.tables.map(({ name }) => name),
    rows: chosen.tables.reduce((sum, { rows }) => sum + rows, 0),
    bytes: chosen.tables.reduce((sum, { start, end }) => sum + end - start, 0),
    expected: () => ({ tables: chosen.tables, whole: null, uninsertable }),
    async *pieces() {
      uninsertable.clear();
      for await (const { text, table } of selectedPieces(backup, chosen)) {
        const lost = table === null ? 0 : uninsertableRows(text).length;
        if (table !== null && lost > 0) uninsertable.set(table, (uninsertable.get(table) ?? 0) + lost);
        yield text;
      }
    },
  };
}

/** How a row begins that the dump could only keep as a comment: places in a text. */
function uninsertableRows(text: string): number[] {
  return [...text.matchAll(/^-- Cannot be inserted, a generated column fails: /gm)].map(({ index }) => index);
}

/** Bytes of a lone file asked for at once, and how much of its end holds the footer. */
const READ_BYTES = 1_048_576;
const TAIL_CHARACTERS = 1_048_576;

/** A dump without a manifest: gzip's own checksum and the dump's last lines say that it is whole. */
function loneDump(backup: Backup): Content {
  let footer: readonly ExpectedTable[] = [];
  return {
    backup,
    manifest: null,
    tables: null,
    rows: null,
    bytes: null,
    expected: () => ({ tables: footer, whole: null, uninsertable: new Map() }),
    async *pieces() {
      const splitter = new StatementSplitter();
      let tail = "";
      for await (const text of gunzip(backup)) {
        tail = (tail + text).slice(-TAIL_CHARACTERS);
        const statements = splitter.push(text);
        if (statements.length > 0) yield `${statements.join(";\n")};\n`;
      }
      if (!tail.endsWith("\n-- end\n")) throw damaged(backup, "it has no end: it was cut off, or is no dump of Patina");
      footer = footerOf(tail);
      const rest = splitter.end();
      if (rest.length > 0) yield `${rest.join(";\n")};\n`;
    },
  };
}

async function* gunzip(backup: Backup): AsyncGenerator<string> {
  const unzip = createGunzip();
  const feeding = feed(backup.stored, unzip);
  // Its failure is met below; until then nobody waits for it.
  feeding.catch((cause) => unzip.destroy(cause));
  unzip.setEncoding("utf8");
  try {
    for await (const text of unzip) yield String(text);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && String(cause.code).startsWith("Z_"))) throw cause;
    throw damaged(backup, "it is not a whole gzip file", cause);
  }
  await feeding;
}

async function feed(stored: StoredBytes, into: NodeJS.WritableStream): Promise<void> {
  for (let at = 0; ; at += READ_BYTES) {
    const bytes = await stored.read(at, READ_BYTES);
    if (bytes.length > 0 && !into.write(bytes)) await new Promise((more) => into.once("drain", more));
    if (bytes.length < READ_BYTES) break;
  }
  into.end();
}

/** The lines `-- Table "name": 12 rows` behind the last statement. */
function footerOf(tail: string): ExpectedTable[] {
  const footer = tail.slice(tail.lastIndexOf("\nPRAGMA foreign_keys=ON;\n"));
  return [...footer.matchAll(/^-- Table ("(?:[^"\\]|\\.)*"): (\d+) rows$/gm)].map(([, name = '""', rows]) => ({
    name: String(JSON.parse(name)),
    rows: Number(rows),
    digest: null,
  }));
}

function damaged(backup: Backup, why: string, cause?: unknown): PatinaError {
  return new PatinaError("backup_damaged", `Cannot restore ${backup.id}: ${why}`, { cause });
}
