/** What was decided of one stored backup. */
export interface Decision {
  readonly key: string;
  /** For a person: why it stays or goes. */
  readonly reason: string;
}

export interface Verdict extends Decision {
  readonly isKept: boolean;
}
