import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { d1Path } from "../compare/d1-file.ts";
import { CORPUS } from "../corpus/corpus.ts";

/** Runs statements in one database: one for its rows as arrays, or many as a batch. */
const WORKER = `
export default {
  async fetch(request, env) {
    const { binding, raw, params, batch } = await request.json();
    const database = env[binding];
    try {
      if (raw) return Response.json(await database.prepare(raw).bind(...params).raw());
      return Response.json(await database.batch(batch.map((sql) => database.prepare(sql))));
    } catch (error) {
      return new Response(String(error && error.message), { status: 500 });
    }
  },
};`;

/** A local D1 database, asked from outside of workerd. Both throw what D1 says when it refuses. */
export interface RemoteDatabase {
  raw(sql: string, params: readonly unknown[]): Promise<unknown[][]>;
  batch(statements: readonly string[]): Promise<unknown>;
}

/** Local D1 with a database for every case of the corpus: as `folder` has them, or empty. */
export class CorpusD1 {
  readonly #folder: string;
  readonly #miniflare: Miniflare;

  constructor(folder: string) {
    this.#folder = folder;
    this.#miniflare = new Miniflare(
      convertV4MiniflareOptions({
        workers: [
          {
            name: "corpus",
            compatibilityDate: "2026-11-17",
            modules: true,
            script: WORKER,
            d1Databases: Object.fromEntries(CORPUS.map(({ name }, i) => [`D${i}`, name])),
          },
        ],
        port: 0,
        cf: false,
        resourcePersistencePath: join(folder),
        log: new Log(LogLevel.NONE),
        handleStructuredLogs: () => undefined,
      }),
    );
  }

  database(name: string): RemoteDatabase {
    const binding = `D${CORPUS.findIndex((entry) => entry.name === name)}`;
    const ask = async (body: object) => {
      const init = { method: "POST", body: JSON.stringify({ binding, ...body }) };
      // workerd closes a connection that was idle; a request that meets this has not been carried out.
      const send = () => this.#miniflare.dispatchFetch("http://corpus/", init);
      const answer = await send().catch(send);
      if (!answer.ok) throw new Error(await answer.text());
      return await answer.json();
    };
    return {
      raw: async (sql, params) => (await ask({ raw: sql, params })) as unknown[][],
      batch: async (statements) => await ask({ batch: statements }),
    };
  }

  /** The file of a database; complete once stopped. */
  file(name: string): string {
    return d1Path(this.#folder, name);
  }

  async stop(): Promise<void> {
    await this.#miniflare.dispose();
  }
}
