import { Buffer } from "node:buffer";

/** What a tar archive says of a file. `size` in bytes, `modified` in seconds since the epoch. */
export interface TarEntry {
  readonly path: string;
  readonly size: number;
  readonly modified: number;
}

export const TAR_BLOCK_BYTES = 512;

/** A tar archive ends with two blocks of zeros. */
export const TAR_END_BYTES = 2 * TAR_BLOCK_BYTES;

/** What the octal field of a header cannot say: 8 GiB and more. */
const LARGE_FILE = 8 ** 11;

/** Path names of a plain header. */
const MAX_PATH_BYTES = 100;

/** Where the fields of a header are (POSIX.1-1988, ustar). */
const FIELDS = {
  name: 0,
  mode: 100,
  uid: 108,
  gid: 116,
  size: 124,
  modified: 136,
  checksum: 148,
  type: 156,
  magic: 257,
} as const;

/**
 * The header of a file: one block; for one of 8 GiB and more three, since its size goes into a pax record, which GNU tar,
 * bsdtar and Python read alike.
 */
export function tarHeader(entry: TarEntry): Uint8Array {
  if (Buffer.byteLength(entry.path) > MAX_PATH_BYTES) throw new RangeError(`Cannot archive "${entry.path}": too long`);
  if (entry.size < LARGE_FILE) return block({ ...entry, type: "0" });
  const record = Buffer.alloc(TAR_BLOCK_BYTES);
  const length = record.write(paxRecord("size", String(entry.size)));
  const extended = block({ path: "pax-header", size: length, modified: entry.modified, type: "x" });
  // Readers take the size from the record; the field itself has no room for it.
  return Buffer.concat([extended, record, block({ ...entry, size: 0, type: "0" })]);
}

/** Bytes of the header of a file of this size. */
export function tarHeaderLength(size: number): number {
  return size < LARGE_FILE ? TAR_BLOCK_BYTES : 3 * TAR_BLOCK_BYTES;
}

/** Zeros that follow a file of this size up to the end of its last block. */
export function tarPaddingLength(size: number): number {
  return (TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
}

function block({ path, size, modified, type }: TarEntry & { readonly type: "0" | "x" }): Buffer {
  const header = Buffer.alloc(TAR_BLOCK_BYTES);
  header.write(path, FIELDS.name);
  header.write("0000644\0", FIELDS.mode);
  header.write("0000000\0", FIELDS.uid);
  header.write("0000000\0", FIELDS.gid);
  header.write(`${octal(size)} `, FIELDS.size);
  header.write(`${octal(modified)} `, FIELDS.modified);
  header.write("        ", FIELDS.checksum);
  header.write(type, FIELDS.type);
  header.write("ustar\u000000", FIELDS.magic);
  // Over the whole block, with the field itself as spaces.
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, FIELDS.checksum);
  return header;
}

function octal(value: number): string {
  return value.toString(8).padStart(11, "0");
}

/** A record states its own length, the digits of the length included. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return `${length}${rest}`;
}
