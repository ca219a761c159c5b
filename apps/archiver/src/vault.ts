import { WorkerEntrypoint } from "cloudflare:workers";
import { openCatalog } from "@patina/catalog/catalog";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import type {
  BackupAnswer,
  BackupName,
  FoundBackup,
  Vault as Port,
  VaultAnswer,
  VaultObject,
  VaultRange,
} from "@patina/worker/vault";
import { findBackup, type StoredBackup } from "./find-backup.ts";

/** Read-only access to the bucket for Workers that have none. See packages/worker/src/vault.ts. */
export class Vault extends WorkerEntrypoint<Env> implements Port {
  async head(key: string): Promise<VaultObject | null> {
    const found = await asking(key, () => this.env.BUCKET.head(key));
    return found === null ? null : describe(found);
  }

  async open(key: string, wanted: VaultRange = {}): Promise<VaultAnswer> {
    // Looked at first: R2 answers a range behind the end of an object with all of it.
    const object = await this.head(key);
    if (object === null) return { end: "absent" };
    return await this.#open({ object, key, etag: object.etag, start: 0 }, wanted);
  }

  async findBackup(backup: BackupName): Promise<FoundBackup> {
    try {
      const found = await this.#find(backup);
      if (found === null) return { end: "absent" };
      const { from, manifest, damage } = found;
      return { end: "found", from, manifest, damage };
    } catch (error) {
      // A code does not survive the way to the other Worker.
      if (!(error instanceof PatinaError) || error.code !== "manifest_invalid") throw error;
      return { end: "unreadable", reason: error.message };
    }
  }

  async openBackup(backup: BackupName, wanted: VaultRange = {}): Promise<BackupAnswer> {
    const found = await this.#find(backup);
    if (found === null) return { end: "absent" };
    const { from, manifest, key, etag, offset, bytes } = found;
    const { job, finishedAt } = manifest;
    const object = { key, size: bytes, etag: manifest.object.sha256, uploaded: Date.parse(finishedAt) };
    const answer = await this.#open({ object, key, etag, start: offset }, wanted);
    return answer.end === "opened" ? { ...answer, from, job, finishedAt } : answer;
  }

  async #find(backup: BackupName): Promise<StoredBackup | null> {
    return await findBackup(backup, { catalog: await openCatalog(this.env.CATALOG), bucket: this.env.BUCKET });
  }

  /** Opens what is seen as one object, which begins at `start` of the object that is stored. */
  async #open(seen: Seen, wanted: VaultRange): Promise<VaultAnswer> {
    const { object, key, etag, start } = seen;
    const { size } = object;
    if (wanted.etag !== undefined && wanted.etag !== object.etag) return { end: "changed" };
    const { offset = 0 } = wanted;
    const length = Math.min(wanted.length ?? size, size - offset);
    const isInside = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length > 0;
    if (!isInside && !(size === 0 && offset === 0)) return { end: "outside", size };
    const range = length > 0 ? { range: { offset: start + offset, length } } : {};
    const stored = await asking(key, () => this.env.BUCKET.get(key, { onlyIf: { etagMatches: etag }, ...range }));
    if (stored === null) return { end: "absent" };
    if (!("body" in stored)) return { end: "changed" };
    return { end: "opened", object, offset, length, body: stored.body };
  }
}

interface Seen {
  readonly object: VaultObject;
  readonly key: string;
  readonly etag: string;
  readonly start: number;
}

function describe({ key, size, etag, uploaded }: R2Object): VaultObject {
  return { key, size, etag, uploaded: uploaded.getTime() };
}
