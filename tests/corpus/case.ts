/** One small database that breaks dump tools, as the statements that build it. */
export interface Case {
  /** Unique, in kebab-case. */
  readonly name: string;
  /** One line: what this breaks elsewhere. */
  readonly breaks: string;
  /** Statements that D1 accepts, each at most 100,000 bytes, to be run in order, each in a call of its own. */
  readonly sql: readonly string[];
  /** What SQL text cannot carry, in words. Absent when a restore can be exact. */
  readonly loses?: readonly string[];
  /** FTS5 tables whose index SQL text cannot carry: compare(..., { exceptFts }) leaves exactly these indexes out. */
  readonly exceptFts?: readonly string[];
  /**
   * Why the rows cannot be inserted again, in any order, where foreign keys are enforced. D1 always enforces them,
   * sqlite3 does so only when asked. Absent when every engine takes them.
   */
  readonly enforced?: string;
  /** Why the sqlite3 shell does not take the dump. Absent when it does. */
  readonly shell?: string;
}
