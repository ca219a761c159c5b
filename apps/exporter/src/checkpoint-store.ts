import { checkpointKey } from "@patina/archive/keys";
import type { TaskRef } from "@patina/catalog/tasks";
import { PatinaError } from "@patina/core/error";
import { bucketError } from "@patina/worker/bucket-error";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";

/** The checkpoint of one task in the bucket. */
export class CheckpointStore {
  readonly #bucket: R2Bucket;
  readonly #task: TaskRef;
  readonly #key: string;

  constructor(bucket: R2Bucket, task: TaskRef) {
    this.#bucket = bucket;
    this.#task = task;
    this.#key = checkpointKey(task);
  }

  /** @returns its key */
  async put(checkpoint: Checkpoint): Promise<string> {
    await this.#guarded(() => this.#bucket.put(this.#key, encodeCheckpoint(checkpoint)));
    return this.#key;
  }

  /** Null when there is none that this run of the task could use. */
  async get(): Promise<Checkpoint | null> {
    const stored = await this.#guarded(() => this.#bucket.get(this.#key));
    if (stored === null) return null;
    const bytes = new Uint8Array(await this.#guarded(() => stored.arrayBuffer()));
    try {
      const checkpoint = decodeCheckpoint(bytes);
      return checkpoint.generation === this.#task.generation ? checkpoint : null;
    } catch (error) {
      // The export begins at the beginning, as it would without one.
      if (error instanceof PatinaError && error.code === "checkpoint_invalid") return null;
      throw error;
    }
  }

  async remove(): Promise<void> {
    await this.#guarded(() => this.#bucket.delete(this.#key));
  }

  async #guarded<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (cause) {
      throw bucketError(this.#key, cause);
    }
  }
}
