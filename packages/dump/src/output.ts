/** Where a dump is written. The bytes are taken at once: the caller may use the array again. */
export interface Output {
  /** Bytes written so far. */
  readonly position: number;
  write(bytes: Uint8Array): void;
  /**
   * Called where a complete statement or comment has ended: the output may be cut here.
   *
   * @param statements how many have ended since it was called last: 1 when absent, 0 for a comment
   */
  endStatement(statements?: number): void;
  /** Called before the first and after the last byte that the body digest covers. */
  beginBody(): void;
  endBody(): void;
}
