/** SHA256SUMS, the file that `sha256sum -c` reads: a digest in lower-case hexadecimal, two spaces, a path. */

export interface Sum {
  readonly path: string;
  readonly sha256: string;
}

const DIGEST_LENGTH = 64;

export function sumsText(sums: readonly Sum[]): string {
  return sums.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join("");
}

/** Bytes of the line for a path of ASCII characters, which Patina's paths are; known before the digest is. */
export function sumsLineLength(path: string): number {
  return DIGEST_LENGTH + 2 + path.length + 1;
}
