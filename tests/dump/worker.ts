import { dump } from "@patina/dump/dump";
import { restore } from "@patina/dump/restore";
import { d1Source } from "@patina/exporter/d1-source";
import type { Ruling } from "./engines.ts";

/** Dumps and restores D1 databases by the name of their binding; for tests. */
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const binding = searchParams.get("binding") ?? "";
    const database = env[binding];
    if (database === undefined) return new Response("no such binding", { status: 404 });
    try {
      if (pathname === "/dump") return await dumped(database, await request.json());
      return Response.json(await restored(database, await request.text(), searchParams.get("mode") ?? ""));
    } catch (error) {
      return new Response(error instanceof Error ? error.message : String(error), { status: 500 });
    }
  },
} satisfies ExportedHandler<Record<string, D1Database>>;

/** A line of JSON with the summary, then the dump. */
async function dumped(database: D1Database, options: Ruling & { snapshotBytes: number }): Promise<Response> {
  const parts: Uint8Array[] = [];
  let position = 0;
  let body = { start: 0, end: 0 };
  const output = {
    get position() {
      return position;
    },
    write(bytes: Uint8Array) {
      parts.push(new Uint8Array(bytes));
      position += bytes.length;
    },
    endStatement() {},
    beginBody() {
      body = { start: position, end: 0 };
    },
    endBody() {
      body = { ...body, end: position };
    },
  };
  const info = {
    database: "x",
    environment: "test",
    job: "manual-20261120-000000-000000",
    startedAt: "2026-11-20T00:00:00.000Z",
  };
  const run = dump(d1Source("x", database), { ...info, ...options, output });
  let step = await run.next();
  while (!step.done) step = await run.next();
  const head = new TextEncoder().encode(`${JSON.stringify({ summary: step.value, body })}\n`);
  return new Response(new Blob([head, ...parts]));
}

async function restored(database: D1Database, sql: string, mode: string): Promise<number> {
  const one = async (statement: string) => void (await database.prepare(statement).run());
  const target = {
    async transaction(statements: readonly string[]) {
      if (mode === "autocommit") for (const statement of statements) await one(statement);
      else await database.batch(statements.map((statement) => database.prepare(statement)));
    },
  };
  return await restore(target, [sql], { transactionSize: mode === "autocommit" ? 0 : Number.POSITIVE_INFINITY });
}
