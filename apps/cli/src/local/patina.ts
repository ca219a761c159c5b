import { randomBytes } from "node:crypto";
import { appendFileSync, rmSync } from "node:fs";
import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { disableOthers, registerDatabase } from "@patina/catalog/databases";
import { findJob } from "@patina/catalog/jobs";
import { addLoginLink } from "@patina/catalog/login-links";
import { forgetQueues } from "@patina/catalog/lost-work";
import { DAY, dateOf } from "@patina/core/date";
import { PRIORITIES, scheduledJobId } from "@patina/core/job";
import { CRONS, type CronName } from "@patina/core/schedule";
import type { Miniflare } from "miniflare";
import { CommandError } from "../failure.ts";
import { admit } from "./admission.ts";
import { applyMigrations } from "./migrations.ts";
import type { LocalSource } from "./sources.ts";
import type { LocalState } from "./state.ts";
import { CATALOG_ID, MIGRATIONS, startWorkers, type WorkersOptions } from "./workers.ts";

export interface LocalOptions {
  readonly state: LocalState;
  readonly sources: readonly LocalSource[];
  readonly port: number;
  readonly bundles?: WorkersOptions["bundles"];
  /** Webhooks that alerts go to, by the aggregator's secrets. */
  readonly webhooks?: Readonly<Record<string, string>>;
  /** Further variables of the exporter, for tests. */
  readonly exporterVars?: Readonly<Record<string, string>>;
}

/** All of Patina running on this machine. */
export class LocalPatina {
  readonly url: URL;
  readonly token: string;
  readonly #miniflare: Miniflare;
  readonly #catalog: Catalog;

  private constructor(parts: { url: URL; token: string; miniflare: Miniflare; catalog: Catalog }) {
    this.url = parts.url;
    this.token = parts.token;
    this.#miniflare = parts.miniflare;
    this.#catalog = parts.catalog;
  }

  /** Brings in the databases, migrates the catalog, starts the Workers and registers what there is to back up. */
  static async start({ state, sources, port, bundles, webhooks, exporterVars }: LocalOptions): Promise<LocalPatina> {
    state.make();
    const token = state.adminToken();
    const admitted = [];
    for (const source of sources) admitted.push({ source, blockedReason: await bringIn(source, state) });
    applyMigrations(state.databaseFile(CATALOG_ID), MIGRATIONS);
    rmSync(state.log, { force: true });
    const miniflare = await startWorkers({
      resources: state.resources,
      port,
      databases: Object.fromEntries(
        admitted
          .filter(({ blockedReason }) => blockedReason === null)
          .map(({ source }) => [source.binding, source.name]),
      ),
      variables: {
        dispatcher: { ADMIN_TOKEN: token },
        // A port that is still to be taken has no address that alerts could link to.
        aggregator: {
          ALERT_KEY: state.alertKey(),
          ...(port === 0 ? {} : { PUBLIC_URL: `http://127.0.0.1:${port}` }),
          ...webhooks,
        },
        exporter: { ...exporterVars },
      },
      onLog: (line) => appendFileSync(state.log, `${JSON.stringify(line)}\n`),
      ...(bundles === undefined ? {} : { bundles }),
    });
    const catalog = await openCatalog(await miniflare.getD1Database("CATALOG", "patina-dispatcher"));
    const now = Date.now();
    for (const { source, blockedReason } of admitted) {
      await registerDatabase(
        catalog,
        {
          name: source.name,
          binding: source.binding,
          priority: PRIORITIES.indexOf(source.priority),
          description: source.description,
          environment: "local",
          d1Id: source.name,
          ...(blockedReason === null ? {} : { blockedReason }),
        },
        now,
      );
    }
    await fireExporter(miniflare, now);
    const names = sources.map(({ name }) => name);
    await disableOthers(catalog, names, now);
    await forgetQueues(catalog);
    return new LocalPatina({ url: await miniflare.ready, token, miniflare, catalog });
  }

  /** Fires one of the crons, as Cloudflare would; with the tick the exporter's own. */
  async fire(cron: CronName, scheduledTime: number): Promise<void> {
    if (cron === "tick") await fireExporter(this.#miniflare, scheduledTime);
    const dispatcher = await this.#miniflare.getWorker("patina-dispatcher");
    const { outcome } = await dispatcher.scheduled({ cron: CRONS[cron], scheduledTime: new Date(scheduledTime) });
    if (outcome !== "ok") {
      throw new CommandError(`Cannot run the ${cron} cron: the dispatcher failed`, { hint: "Look into log.jsonl." });
    }
  }

  /**
   * Finds what an earlier run lost and starts the backup that this one is for: tonight's, or a manual job when tonight's
   * had been made already.
   *
   * @returns the job to follow, and the nightly that was there before
   */
  async begin(now: number): Promise<{ job: string; earlier: { id: string; status: string } | null }> {
    const id = scheduledJobId("nightly", dateOf(now));
    // Looked up before the tick, which finishes what the last stop interrupted.
    const earlier = await findJob(this.#catalog, id);
    await this.fire("tick", now);
    if (earlier === undefined || earlier.status === "running") {
      await this.fire("nightly", now);
      return { job: id, earlier: null };
    }
    const answer = await this.request("/trigger", { method: "POST", body: JSON.stringify({ reason: "npm start" }) });
    const { job } = (await answer.json()) as { job: { id: string } };
    return { job: job.id, earlier: { id: earlier.id, status: earlier.status } };
  }

  /** Status of a job; null when there is none of this id. */
  async statusOf(job: string): Promise<string | null> {
    return (await findJob(this.#catalog, job))?.status ?? null;
  }

  /** An address of the dashboard that lets a browser in once, within a day. */
  async loginLink(now: number): Promise<URL> {
    const code = randomBytes(24).toString("base64url");
    await addLoginLink(this.#catalog, { code, expiresAt: now + DAY });
    return new URL(`/dashboard/login?once=${code}`, this.url);
  }

  /** Asks the admin API. */
  async request(path: string, init: { method?: string; body?: string } = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}` };
    const answer = await fetch(new URL(path, this.url), { ...init, headers });
    if (!answer.ok) throw new CommandError(`Cannot ask the API for ${path}: HTTP ${answer.status}`);
    return answer;
  }

  async bucket() {
    return await this.#miniflare.getR2Bucket("BUCKET", "patina-exporter");
  }

  get miniflare(): Miniflare {
    return this.#miniflare;
  }

  async stop(): Promise<void> {
    await this.#miniflare.dispose();
  }
}

/** Its cron, with which the exporter says in the catalog which databases it has bindings to. */
async function fireExporter(miniflare: Miniflare, scheduledTime: number): Promise<void> {
  const exporter = await miniflare.getWorker("patina-exporter");
  await exporter.scheduled({ cron: CRONS.tick, scheduledTime: new Date(scheduledTime) });
}

/** Puts a database where local D1 finds it; the reason when that cannot be done. */
async function bringIn(source: LocalSource, state: LocalState): Promise<string | null> {
  const file = source.file();
  if (file === null) return "its local D1 database has no data yet: run the project once";
  return await admit(file, state.databaseFile(source.name));
}
