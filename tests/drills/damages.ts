import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { GzipWriter } from "@patina/archive/gzip-writer";
import type { Manifest } from "@patina/archive/manifest";
import { type Dumped, sha256 } from "@patina/archiver/testing-dump";
import { StatementSplitter } from "@patina/dump/statements";
import { EDITS, type Edited } from "./manifest-edits.ts";
import { any, type Random, random } from "./random.ts";

/** A backup that is not what it should be, in one of many ways. */
export interface Damage extends Dumped {
  readonly name: string;
  /** The tables and views of which one has to be named; none where the damage lies in none. */
  readonly tables: readonly string[];
}

function namesOf({ tables, schema }: Manifest): string[] {
  const views = (schema?.definitions ?? []).filter(({ type }) => type === "view");
  return [...tables, ...views].map(({ name }) => name);
}

type Way = (backup: Dumped, options: { other: Dumped; at: Random }) => Damage;

/** A damaged object; `isForged` when the manifest was made to fit it. */
function object(name: string, backup: Dumped, { bytes, isForged }: { bytes: Buffer; isForged: boolean }): Damage {
  const { manifest } = backup;
  const { object: own } = manifest;
  const forged = { ...own, bytes: bytes.length, sha256: sha256(bytes) };
  return {
    name: isForged ? `${name}, with its digest corrected` : name,
    bytes,
    manifest: isForged ? { ...manifest, object: forged } : manifest,
    tables: [],
  };
}

const flip: Way = (backup, { at }) => {
  const bytes = Buffer.from(backup.bytes);
  const place = at(bytes.length);
  bytes[place] = (bytes[place] ?? 0) ^ (1 << at(8));
  // What gzip's header says of its origin, no reader looks at: only the digest tells.
  return object(`a bit flipped at ${place}`, backup, { bytes, isForged: place >= 10 && at(2) === 1 });
};

const truncate: Way = (backup, { at }) => {
  const length = at(backup.bytes.length);
  return object(`cut to ${length} bytes`, backup, { bytes: backup.bytes.subarray(0, length), isForged: at(2) === 1 });
};

const swapParts: Way = (backup, { at }) => {
  const { bytes } = backup;
  const size = 20 + at(bytes.length >> 2);
  const [a, b] = [at(bytes.length - 2 * size), size + at(bytes.length - 2 * size)].sort((x, y) => x - y) as [
    number,
    number,
  ];
  const from = Math.max(b, a + size);
  const swapped = Buffer.concat([
    bytes.subarray(0, a),
    bytes.subarray(from, from + size),
    bytes.subarray(a + size, from),
    bytes.subarray(a, a + size),
    bytes.subarray(from + size),
  ]);
  const isSame = swapped.equals(bytes);
  return object(`${size} bytes at ${a} and ${from} swapped`, backup, {
    bytes: isSame ? bytes.subarray(1) : swapped,
    isForged: at(2) === 1,
  });
};

const swapDatabases: Way = (backup, { other, at }) => {
  switch (at(3)) {
    case 0:
      return object("another database's object", backup, { bytes: other.bytes, isForged: false });
    case 1:
      return object("another database's object", backup, { bytes: other.bytes, isForged: true });
    default:
      return { name: "another database's backup", ...other, tables: [] };
  }
};

const editManifest: Way = ({ bytes, manifest }, { at }) => {
  const edited = structuredClone(manifest) as Edited;
  const { what, isOfTable, make } = any(EDITS, at);
  make(edited, { table: any(edited.tables, at), at });
  return { name: `in the manifest, ${what}`, bytes, manifest: edited, tables: isOfTable ? namesOf(manifest) : [] };
};

/** A statement of a dump with what belongs to it, and the table whose rows it holds. */
interface Piece {
  readonly text: string;
  readonly table: string | null;
  readonly place: "head" | "body" | "foot";
}

function piecesOf({ bytes, manifest }: Dumped): Piece[] {
  const text = gunzipSync(bytes).toString();
  const splitter = new StatementSplitter();
  const pieces: Piece[] = [];
  let at = 0;
  let offset = 0;
  for (const statement of [...splitter.push(text), ...splitter.end(), null]) {
    const end = statement === null ? text.length : text.indexOf(statement, at) + statement.length + 2;
    const piece = text.slice(at, end);
    const last = offset + Buffer.byteLength(piece) - 1;
    const { start, end: bodyEnd } = manifest.sql.body;
    pieces.push({
      text: piece,
      table: manifest.tables.find((table) => table.start <= last && last < table.end)?.name ?? null,
      place: last < start ? "head" : last < bodyEnd ? "body" : "foot",
    });
    offset = last + 1;
    at = end;
  }
  return pieces;
}

/** Compresses pieces as the exporter does. `isForged` when the manifest says of everything but rows what is there now. */
function packed(pieces: readonly Piece[], { manifest, isForged }: { manifest: Manifest; isForged: boolean }): Dumped {
  const gzip = new GzipWriter();
  const ranges = new Map<string, { start: number; end: number }>();
  let place: Piece["place"] = "head";
  for (const piece of pieces) {
    if (place === "head" && piece.place !== "head") gzip.beginBody();
    if (place !== "foot" && piece.place === "foot") gzip.endBody();
    place = piece.place;
    const start = gzip.position;
    gzip.write(Buffer.from(piece.text));
    gzip.endStatement();
    if (piece.table !== null)
      ranges.set(piece.table, { start: ranges.get(piece.table)?.start ?? start, end: gzip.position });
  }
  const { body, rawBytes, restartPoints } = gzip.end();
  const bytes = Buffer.concat(gzip.take());
  const raw = gunzipSync(bytes);
  const own = { ...manifest.object, bytes: bytes.length, sha256: sha256(bytes) };
  if (!isForged) return { bytes, manifest: { ...manifest, object: own } };
  const tables = manifest.tables.map((table) => ({
    ...table,
    ...(ranges.get(table.name) ?? { start: body.end, end: body.end }),
  }));
  const digests = { sha256: sha256(raw), body: { ...body, sha256: sha256(raw.subarray(body.start, body.end)) } };
  return {
    bytes,
    manifest: {
      ...manifest,
      object: own,
      sql: { format: 1, bytes: rawBytes, ...digests },
      tables,
      restartPoints: restartPoints.map(([at, rawAt]): [number, number] => [at, rawAt]),
    },
  };
}

/** Statements that make nothing of the database by themselves. */
const IDLE =
  /^(?:PRAGMA|DROP|BEGIN|COMMIT|ANALYZE|--|CREATE TABLE IF NOT EXISTS "patina_sequence"|DELETE FROM "sqlite_)/;

const editSql: Way = (backup, { at }) => {
  const { manifest } = backup;
  const pieces = piecesOf(backup);
  const isForged = at(2) === 1;
  const chosen = any(
    pieces.filter(({ text, place }) => place === "body" && !IDLE.test(text)),
    at,
  );
  const place = pieces.indexOf(chosen);
  const what = chosen.text.replace(/\s+/g, " ").slice(0, 40);
  const names = namesOf(manifest);
  const named = (name: string, changed: readonly Piece[], tables: readonly string[] = names): Damage => ({
    name: `${name}: ${what}${isForged ? ", with all digests of the SQL corrected" : ""}`,
    ...packed(changed, { manifest, isForged }),
    tables: isForged ? tables : [],
  });
  switch (at(3)) {
    case 0:
      return named("a statement removed", pieces.toSpliced(place, 1), chosen.table === null ? names : [chosen.table]);
    case 1: {
      const [other] = pieces.slice(place + 1).filter(({ place: where }) => where === "body");
      const reordered = other === undefined ? pieces.toSpliced(place, 1) : swapped(pieces, chosen, other);
      // The same rows in another order are the same database: only the digests of the SQL tell.
      return {
        ...packed(reordered, { manifest, isForged: false }),
        name: `statements in another order: ${what}`,
        tables: [],
      };
    }
    default: {
      const text = chosen.text.replace(/[a-z0-9](?=[^a-z0-9]*$)/i, (last) => (last === "7" ? "8" : "7"));
      return named("a character changed", pieces.with(place, { ...chosen, text }));
    }
  }
};

function swapped(pieces: readonly Piece[], a: Piece, b: Piece): Piece[] {
  return pieces.map((piece) => (piece === a ? b : piece === b ? a : piece));
}

const WAYS: readonly Way[] = [
  flip,
  flip,
  truncate,
  swapParts,
  swapDatabases,
  editManifest,
  editManifest,
  editSql,
  editSql,
];

/** So many damages of a backup, the same for the same seed. */
export function* damagesOf(
  backup: Dumped,
  { other, count, seed }: { other: Dumped; count: number; seed: number },
): Generator<Damage> {
  const at = random(seed);
  for (let i = 0; i < count; i += 1) yield any(WAYS, at)(backup, { other, at });
}
