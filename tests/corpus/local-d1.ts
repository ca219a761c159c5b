import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { d1Path } from "../compare/d1-file.ts";
import type { Case } from "./case.ts";

/** Runs the statements of the body one after the other in one database, each in a call of its own. */
const WORKER = `
export default {
  async fetch(request, env) {
    const { binding, sql } = await request.json();
    await env[binding].prepare("SELECT 1").run(); // makes the file of a case without statements
    for (const [i, statement] of sql.entries()) {
      try {
        await env[binding].prepare(statement).run();
      } catch (error) {
        return Response.json({ statement: i, message: String(error && error.message) });
      }
    }
    return Response.json(null);
  },
};`;

/** How many databases are built at a time. */
const AT_ONCE = 8;

type D1Binding = Awaited<ReturnType<Miniflare["getD1Database"]>>;

export interface LocalD1 {
  /** Builds every case in a D1 database of its own; returns what D1 refused, in words. */
  build(): Promise<string[]>;
  /** The binding of a case's database, as a Worker has it. */
  database(name: string): Promise<D1Binding>;
  /** Ends workerd, after which the files hold all that was written. */
  stop(): Promise<void>;
  /** The folder of all of it. */
  readonly folder: string;
  /** The file of a case's database. */
  file(name: string): string;
  /** Removes the files. */
  remove(): Promise<void>;
}

/** Starts workerd with one D1 database for each case, in a temporary folder. */
export async function startLocalD1(cases: readonly Case[]): Promise<LocalD1> {
  const persistence = await mkdtemp(join(tmpdir(), "patina-corpus-"));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        {
          name: "corpus",
          compatibilityDate: "2026-11-17",
          modules: true,
          script: WORKER,
          d1Databases: Object.fromEntries(cases.map(({ name }, i) => [`D${i}`, name])),
        },
      ],
      host: "127.0.0.1",
      port: 0,
      cf: false,
      resourcePersistencePath: persistence,
      log: new Log(LogLevel.ERROR),
    }),
  );
  await miniflare.ready;

  async function buildCase(source: Case, binding: string): Promise<string | null> {
    const body = JSON.stringify({ binding, sql: source.sql });
    const response = await miniflare.dispatchFetch("http://corpus/", { method: "POST", body });
    const refusal = (await response.json()) as { statement: number; message: string } | null;
    if (refusal === null) return null;
    const sql = source.sql[refusal.statement]?.slice(0, 120);
    return `${source.name}: statement ${refusal.statement + 1} of ${source.sql.length}: ${sql}: ${refusal.message}`;
  }

  return {
    folder: persistence,
    async build() {
      const refused: string[] = [];
      const queue = cases.entries();
      async function work(): Promise<void> {
        for (const [i, source] of queue) {
          const refusal = await buildCase(source, `D${i}`);
          if (refusal !== null) refused.push(refusal);
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      return refused;
    },
    database: (name) => miniflare.getD1Database(`D${cases.findIndex((entry) => entry.name === name)}`, "corpus"),
    stop: () => miniflare.dispose(),
    file: (name) => d1Path(persistence, name),
    remove: () => rm(persistence, { recursive: true, force: true }),
  };
}
