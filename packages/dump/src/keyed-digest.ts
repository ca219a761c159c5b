import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import type { Cell } from "./literal.ts";
import type { Rows } from "./rows.ts";
import type { Table } from "./schema.ts";
import { readColumns } from "./table-columns.ts";

/** Characters of a keyed digest. */
export const DIGEST_LENGTH = 64;

/**
 * HMAC-SHA-256 in lower-case hexadecimal over the value with its type: `i` and decimal digits, `r` and the eight bytes of
 * the double (big-endian, 0.0 for -0.0), `t` or `b` and the bytes.
 */
export function keyedDigest(cell: Exclude<Cell, { type: "null" }>, key: string): string {
  const hmac = createHmac("sha256", key);
  switch (cell.type) {
    case "integer":
      return hmac.update(`i${cell.value}`).digest("hex");
    case "real": {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(cell.value + 0);
      return hmac.update("r").update(bytes).digest("hex");
    }
    case "text":
      return hmac.update("t").update(cell.value).digest("hex");
    case "blob":
      return hmac.update("b").update(cell.value).digest("hex");
  }
}

/** Names a key without telling anything of it: equal keys have equal names. */
export function keyId(key: string): string {
  return createHmac("sha256", key).update("patina redaction key").digest("hex").slice(0, 16);
}

/**
 * Puts digests into rows of a table, in the columns that its rules say. SQLite has no HMAC: such a table is read cell by
 * cell, and rows in any other form would carry what must not be carried.
 */
export function withDigests(rows: Rows, { table, key }: { table: Table; key: string | null }): Rows {
  const places = readColumns(table).map(({ redacted }) => redacted?.as === "digest");
  if (!places.includes(true)) return rows;
  if (rows.kind !== "row" || key === null) throw new TypeError(`Cannot redact table "${table.name}"`);
  const cells = rows.cells.map((cell, place): Cell => {
    if (places[place] !== true || cell.type === "null") return cell;
    return { type: "text", value: Buffer.from(keyedDigest(cell, key)) };
  });
  return { ...rows, cells };
}
