import { PatinaError } from "@patina/core/error";
import type { Manifest } from "./manifest.ts";
import { type Readable, readSql, type StoredBytes } from "./range-reader.ts";

/** Some of a dump's SQL as text: whole statements, about a MiB of them. */
export interface Stretch {
  readonly text: string;
  /** Offsets in the SQL of its first byte and behind its last. */
  readonly start: number;
  readonly end: number;
}

/**
 * The SQL of a stored object from a restart point on, in stretches that end where a statement ends: restart points lie
 * between statements.
 *
 * @throws {PatinaError} `backup_damaged` when the object is not what its manifest says, naming the tables it may concern
 */
export async function* stretchesOf(
  manifest: Manifest,
  { stored, start }: { stored: StoredBytes; start: number },
): AsyncGenerator<Stretch> {
  // Not fatal to a byte order mark, which is a character like any other inside a text.
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let at = start;
  try {
    for await (const bytes of readSql(manifest, { stored, start, end: manifest.sql.bytes })) {
      const text = decoder.decode(bytes);
      yield { text, start: at, end: at + bytes.length };
      at += bytes.length;
    }
  } catch (cause) {
    // The decoder's own complaint is a TypeError; whatever else the stored bytes failed with is no damage.
    const isDamage = cause instanceof PatinaError ? cause.code === "backup_damaged" : cause instanceof TypeError;
    if (!isDamage) throw cause;
    const why = cause instanceof PatinaError ? cause.message : `Cannot read "${manifest.object.key}": it is no UTF-8`;
    const where = placeIn(manifest, { start: at, end: nextRestart(manifest, at) });
    throw new PatinaError("backup_damaged", `${why}. The damage lies in ${where}`, { cause });
  }
}

function nextRestart({ restartPoints, sql }: Readable, at: number): number {
  return restartPoints.find(([, raw]) => raw > at)?.[1] ?? sql.bytes;
}

/** Words for a part of the SQL: the tables whose rows stand there. */
export function placeIn({ tables }: Readable, { start, end }: { start: number; end: number }): string {
  const names = tables.filter((table) => table.start < end && start < table.end).map(({ name }) => `"${name}"`);
  if (names.length === 0) return "the definitions";
  return names.length === 1 ? `table ${names[0]}` : `one of the tables ${names.join(", ")}`;
}

/** The table whose rows stand at an offset of the SQL; null where there is none. */
export function tableAt({ tables }: Readable, offset: number): string | null {
  return tables.find(({ start, end }) => start <= offset && offset < end)?.name ?? null;
}
