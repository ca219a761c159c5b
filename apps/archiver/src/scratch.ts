import { DurableObject } from "cloudflare:workers";
import { HOUR } from "@patina/core/date";
import type { Check } from "@patina/core/drill";
import { Proof } from "@patina/dump/proof";
import { Refused } from "@patina/dump/replay";
import { refusal } from "./scratch-refusal.ts";
import { ScratchRestore } from "./scratch-restore.ts";
import { scratchSource } from "./scratch-source.ts";
import {
  begun,
  expectedOf,
  type ManifestFacts,
  type Part,
  type Progress,
  progressOf,
  type Restore,
  type ScratchDatabase,
  type ScratchState,
} from "./scratch-state.ts";

/** What nobody has asked for so long is emptied: an invocation lasts 15 minutes, and the tick looks every five. */
const FORGOTTEN_AFTER = HOUR;

const STATE = "state";

/**
 * A scratch database: a SQLite-backed Durable Object in which one drill restores one backup. Its name is the drill's id.
 *
 * A small backup is restored with deferred foreign keys, as sqlite3 would, compared inside that transaction and taken
 * back with it: nothing of it is ever stored. A large one is committed part after part.
 */
export class Scratch extends DurableObject implements ScratchDatabase {
  readonly #restore = new ScratchRestore(this.ctx.storage);

  async begin(restore: Restore): Promise<Progress> {
    let state = this.#read();
    if (state === null || state.subject !== restore.subject || state.isWhole !== restore.isWhole) {
      await this.empty();
      state = begun(restore);
      this.#write(state);
    }
    await this.ctx.storage.setAlarm(Date.now() + FORGOTTEN_AFTER);
    return progressOf(state);
  }

  async keep(object: Check): Promise<Progress | null> {
    const before = this.#read();
    return before === null ? null : this.#note({ ...before, object });
  }

  async load(part: Part): Promise<Progress | null> {
    const before = this.#read();
    if (before === null) return null;
    if (part.start !== before.at || before.refusal !== null) return progressOf(before);
    try {
      return this.ctx.storage.transactionSync(() => {
        const state = before.isWhole ? this.#restore.hold(before, part) : this.#restore.run(before, part);
        return this.#note(state);
      });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return this.#note({ ...before, refusal: refusal(error) });
    }
  }

  async prove(facts: ManifestFacts): Promise<Progress | null> {
    const before = this.#read();
    if (before === null) return null;
    if (before.refusal !== null || progressOf(before).next === null) return progressOf(before);
    return this.#note(before.held === 0 ? await this.#compare(before, facts) : await this.#compareHeld(before, facts));
  }

  async empty(): Promise<void> {
    await this.ctx.storage.deleteAll();
  }

  /** Nobody came back: the drill's message is lost, and whoever sends it again begins anew. */
  override async alarm(): Promise<void> {
    await this.empty();
  }

  /** Compares a piece; everything where it is restored for that alone. */
  async #compare(state: ScratchState, facts: ManifestFacts): Promise<ScratchState> {
    const proof = new Proof(scratchSource(this.ctx.storage.sql), expectedOf(facts, state), state.proof);
    do {
      await proof.advance();
    } while (state.isWhole && proof.next !== null);
    return { ...state, proof: proof.state };
  }

  /** The same with what is held back, in a transaction that is taken back. */
  async #compareHeld(before: ScratchState, facts: ManifestFacts): Promise<ScratchState> {
    // Kept outside: what is thrown to take a transaction back need not arrive as it was thrown.
    const kept: { state?: ScratchState } = {};
    try {
      await this.ctx.storage.transaction(async () => {
        kept.state = await this.#restoreAndCompare(before, facts);
        throw new Error("Taken back");
      });
    } catch (error) {
      if (kept.state === undefined) throw error;
    }
    return kept.state ?? before;
  }

  async #restoreAndCompare(before: ScratchState, facts: ManifestFacts): Promise<ScratchState> {
    const begin = Date.now();
    try {
      const state = this.#restore.replay(before, facts.tables);
      // The clock of a Worker stands still until it has waited for something.
      await scheduler.wait(1);
      const restoreMs = before.restoreMs === 0 ? Date.now() - begin : before.restoreMs;
      return await this.#compare({ ...state, restoreMs }, facts);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { ...before, refusal: refusal(error) };
    }
  }

  #read(): ScratchState | null {
    return this.ctx.storage.kv.get<ScratchState>(STATE) ?? null;
  }

  #write(state: ScratchState): void {
    this.ctx.storage.kv.put(STATE, state);
  }

  #note(state: ScratchState): Progress {
    this.#write(state);
    return progressOf(state);
  }
}
