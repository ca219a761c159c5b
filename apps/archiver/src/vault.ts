import { WorkerEntrypoint } from "cloudflare:workers";
import { asking } from "@patina/worker/bucket-error";
import type { Vault as Port, VaultAnswer, VaultObject, VaultRange } from "@patina/worker/vault";

/** Read-only access to the bucket for Workers that have none. See packages/worker/src/vault.ts. */
export class Vault extends WorkerEntrypoint<Env> implements Port {
  async head(key: string): Promise<VaultObject | null> {
    const found = await asking(key, () => this.env.BUCKET.head(key));
    return found === null ? null : describe(found);
  }

  async open(key: string, wanted: VaultRange = {}): Promise<VaultAnswer> {
    // Looked at first: R2 answers a range behind the end of an object with all of it.
    const found = await this.head(key);
    if (found === null) return { end: "absent" };
    if (wanted.etag !== undefined && wanted.etag !== found.etag) return { end: "changed" };
    const { offset = 0 } = wanted;
    const length = Math.min(wanted.length ?? found.size, found.size - offset);
    const isInside = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length > 0;
    if (!isInside && !(found.size === 0 && offset === 0)) return { end: "outside", size: found.size };
    const object = await asking(key, () =>
      this.env.BUCKET.get(key, {
        onlyIf: { etagMatches: found.etag },
        ...(length > 0 ? { range: { offset, length } } : {}),
      }),
    );
    if (object === null) return { end: "absent" };
    if (!("body" in object)) return { end: "changed" };
    return { end: "opened", object: found, offset, length, body: object.body };
  }
}

function describe({ key, size, etag, uploaded }: R2Object): VaultObject {
  return { key, size, etag, uploaded: uploaded.getTime() };
}
