import { createHash, createHmac, randomBytes } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../files/new-folder.ts";

/** Where a local run keeps everything: by default `.patina/` in the current folder. */
export class LocalState {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** What wrangler calls `--persist-to`: its commands can look into the local run's databases. */
  get persist(): string {
    return join(this.folder, "state");
  }

  /** Where miniflare keeps D1 and R2 below that. */
  get resources(): string {
    return join(this.persist, "v3");
  }

  get log(): string {
    return join(this.folder, "log.jsonl");
  }

  /** The SQLite file of a local D1 database. */
  databaseFile(d1Id: string): string {
    return join(this.resources, "d1", D1_OBJECT, `${objectId(D1_OBJECT, d1Id)}.sqlite`);
  }

  make(): void {
    makeFolder(join(this.resources, "d1", D1_OBJECT));
  }

  /** Where the sample databases are made. */
  get samples(): string {
    return join(this.folder, "samples");
  }

  /** Removes everything of earlier runs, and nothing else: any folder may have been named. */
  remove(): void {
    if (!existsSync(this.#file(ADMIN_TOKEN))) return;
    // The token last: until then the next try knows whose folder it is.
    for (const own of [this.persist, this.samples, this.log, this.#file(ALERT_KEY), this.#file(ADMIN_TOKEN)]) {
      rmSync(own, { recursive: true, force: true });
    }
    if (readdirSync(this.folder).length === 0) rmdirSync(this.folder);
  }

  /** The admin token of this state. */
  adminToken(): string {
    return this.#secret(ADMIN_TOKEN, () => randomBytes(24).toString("base64url"));
  }

  /** What the addresses of channels are encrypted with: 32 bytes in base64. */
  alertKey(): string {
    return this.#secret(ALERT_KEY, () => randomBytes(32).toString("base64"));
  }

  /** A secret of this state, made on first use. Readable by its owner alone. */
  #secret(name: string, make: () => string): string {
    const file = this.#file(name);
    if (existsSync(file)) return readFileSync(file, "utf8").trim();
    const secret = make();
    writeFileSync(file, `${secret}\n`, { mode: 0o600 });
    chmodSync(file, 0o600);
    return secret;
  }

  #file(name: string): string {
    return join(this.folder, name);
  }
}

const ADMIN_TOKEN = "admin-token";
const ALERT_KEY = "alert-key";

const D1_OBJECT = "miniflare-D1DatabaseObject";

/**
 * The id that workerd gives a Durable Object by its name, and thereby the name of its SQLite file; local D1 databases
 * are such objects (workerd, src/workerd/server/server.c++, ActorIdFactoryImpl::idFromName).
 */
function objectId(uniqueKey: string, name: string): string {
  const key = createHash("sha256").update(uniqueKey).digest();
  const nameHmac = createHmac("sha256", key).update(name).digest().subarray(0, 16);
  const hmac = createHmac("sha256", key).update(nameHmac).digest().subarray(0, 16);
  return Buffer.concat([nameHmac, hmac]).toString("hex");
}
