import type { Check, Verdict } from "@patina/core/drill";
import type { Expected } from "@patina/dump/expected";
import { Proof, type ProofState } from "@patina/dump/proof";

/**
 * How the archiver speaks to a scratch database over RPC. Every call may be repeated, and none takes longer than a few
 * seconds; what it did is stored with its effect, so whoever comes next goes on from there.
 */
export interface ScratchDatabase {
  /** Begins to restore a backup, or says how far it has come. Whatever else is there is emptied first. */
  begin(restore: Restore): Promise<Progress>;
  /** Keeps what reading the stored object has shown, for whoever goes on. Null when it was emptied meanwhile. */
  keep(object: Check): Promise<Progress | null>;
  /**
   * Takes the next part of the dump. One that does not begin where loading goes on changes nothing. Null when it was
   * emptied meanwhile.
   */
  load(part: Part): Promise<Progress | null>;
  /** Does the next piece of comparing what is restored with the manifest. Null as for load(). */
  prove(facts: ManifestFacts): Promise<Progress | null>;
  /** Leaves nothing behind. */
  empty(): Promise<void>;
}

export interface Restore {
  /** Stands for the stored bytes: others under the same drill begin anew. */
  readonly subject: string;
  /** Whether all of it is restored in one transaction, which is taken back in the end. */
  readonly isWhole: boolean;
}

/** Whole statements of a dump, about a MiB of them, and the tables whose rows stand there. */
export interface Part {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly tables: readonly TableRange[];
}

export interface TableRange {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export type ManifestFacts = Pick<Expected, "tables" | "definitions" | "schema" | "isFuzzy">;

/** What a scratch database tells of itself. */
export interface Progress {
  /** What reading the stored object has shown; null while nobody has read it to its end. */
  readonly object: Check | null;
  /** Where loading goes on: an offset in the dump. */
  readonly at: number;
  readonly rowsWritten: number;
  /** Milliseconds that the transaction of a whole restore took. */
  readonly restoreMs: number;
  /** Why the restore has ended; null while nothing has ended it. */
  readonly refusal: Refusal | null;
  /** Tables of which rows were left out, and why: the engine enforces foreign keys. */
  readonly leftOut: readonly (readonly [table: string, reason: string])[];
  /** The check that is made next; null once all are made. */
  readonly next: Check["name"] | null;
  readonly checks: readonly Check[];
  /** SHA-256 of the restored schema, once it is known. */
  readonly schema: string | null;
}

export interface Refusal {
  /** Where in the dump the statement stands, and how it begins if it is a definition. */
  readonly offset: number;
  readonly definition: string | null;
  /** What SQLite says, without data. */
  readonly reason: string;
  /** `unprovable` when it is a limit of the platform. */
  readonly end: Extract<Verdict, "failed" | "unprovable">;
}

/** What a scratch database keeps of a restore beside the restored data, and in the same transactions. */
export interface ScratchState extends Restore {
  readonly object: Check | null;
  readonly at: number;
  readonly rowsWritten: number;
  readonly restoreMs: number;
  /** Whether CHECK constraints are off where loading goes on. */
  readonly isUnchecked: boolean;
  /** Texts that are held back until everything is compared, and their bytes. */
  readonly held: number;
  readonly heldBytes: number;
  /** Rows by table that the dump only holds as comments. */
  readonly uninsertable: ReadonlyMap<string, number>;
  readonly leftOut: ReadonlyMap<string, string>;
  readonly refusal: Refusal | null;
  readonly proof: ProofState | null;
}

export function begun(restore: Restore): ScratchState {
  return {
    ...restore,
    object: null,
    at: 0,
    rowsWritten: 0,
    restoreMs: 0,
    isUnchecked: false,
    held: 0,
    heldBytes: 0,
    uninsertable: new Map(),
    leftOut: new Map(),
    refusal: null,
    proof: null,
  };
}

export function progressOf(state: ScratchState): Progress {
  const { object, at, rowsWritten, restoreMs, refusal, leftOut, proof } = state;
  return {
    object,
    at,
    rowsWritten,
    restoreMs,
    refusal,
    leftOut: [...leftOut],
    next: Proof.nextOf(proof),
    checks: proof?.checks ?? [],
    schema: proof?.schema ?? null,
  };
}

/** What the restored database must be. */
export function expectedOf(
  facts: ManifestFacts,
  { uninsertable, leftOut }: Pick<ScratchState, "uninsertable" | "leftOut">,
): Expected {
  return { ...facts, uninsertable, refused: new Set(leftOut.keys()) };
}

/** The counts of rows that are only there as comments, with those at further offsets. */
export function withUninsertable(
  counts: ReadonlyMap<string, number>,
  { offsets, tables }: { offsets: readonly number[]; tables: readonly TableRange[] },
): ReadonlyMap<string, number> {
  const all = new Map(counts);
  for (const offset of offsets) {
    const table = tableAt(tables, offset);
    all.set(table, (all.get(table) ?? 0) + 1);
  }
  return all;
}

/** The table whose rows stand at an offset; an empty name where there is none. */
export function tableAt(tables: readonly TableRange[], offset: number): string {
  return tables.find(({ start, end }) => start <= offset && offset < end)?.name ?? "";
}
