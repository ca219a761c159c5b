import { DurableObject } from "cloudflare:workers";
import { createHash } from "node:crypto";
import { dump } from "@patina/dump/dump";
import { restore } from "@patina/dump/restore";
import { d1Target, objectTarget } from "@patina/dump/restore-targets";
import { d1Source } from "@patina/exporter/d1-source";
import type { Ruling } from "./engines.ts";

/** A Durable Object that holds nothing but what was restored into it. */
export class Scratch extends DurableObject {
  async restore(sql: string): Promise<number> {
    return await restore(objectTarget(this.ctx.storage), [sql], { transactionSize: Number.POSITIVE_INFINITY });
  }
}

interface Env {
  readonly SCRATCH: DurableObjectNamespace<Scratch>;
  /** The databases. */
  readonly [binding: string]: unknown;
}

/** Dumps and restores D1 databases by the name of their binding, and Durable Objects by their own; for tests. */
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const database = env[searchParams.get("binding") ?? ""] as D1Database;
    const object = env.SCRATCH.idFromName(searchParams.get("object") ?? "");
    try {
      switch (pathname) {
        case "/dump":
          return await dumped(database, await request.json());
        case "/digest":
          return await digested(database, await request.json());
        case "/restore":
          return Response.json(
            await restore(d1Target(database), [await request.text()], { transactionSize: Number.POSITIVE_INFINITY }),
          );
        case "/run":
          return Response.json(await runEach(database, await request.text()));
        case "/restore-object":
          await env.SCRATCH.get(object).restore(await request.text());
          return new Response(object.toString());
        default:
          return new Response("no such thing to do", { status: 404 });
      }
    } catch (error) {
      return new Response(error instanceof Error ? error.message : String(error), { status: 500 });
    }
  },
} satisfies ExportedHandler<Env>;

type Options = Ruling & { readonly snapshotBytes: number };

/** A line of JSON with the summary, then the dump. */
async function dumped(database: D1Database, options: Options): Promise<Response> {
  const parts: Uint8Array[] = [];
  const { summary, body } = await run(database, options, (bytes) => parts.push(new Uint8Array(bytes)));
  const head = new TextEncoder().encode(`${JSON.stringify({ summary, body })}\n`);
  return new Response(new Blob([head, ...parts]));
}

/** The summary and the body's digest alone: a hundred dumps need not be carried over to be compared. */
async function digested(database: D1Database, options: Options): Promise<Response> {
  const hash = createHash("sha256");
  const { summary } = await run(database, options, (bytes, isBody) => void (isBody && hash.update(bytes)));
  return Response.json({ summary, body: hash.digest("hex") });
}

async function run(database: D1Database, options: Options, write: (bytes: Uint8Array, isBody: boolean) => void) {
  let position = 0;
  let isBody = false;
  const body = { start: 0, end: 0 };
  const output = {
    get position() {
      return position;
    },
    write(bytes: Uint8Array) {
      write(bytes, isBody);
      position += bytes.length;
    },
    endStatement() {},
    beginBody() {
      isBody = true;
      body.start = position;
    },
    endBody() {
      isBody = false;
      body.end = position;
    },
  };
  const info = {
    database: "x",
    environment: "test",
    job: "manual-20261120-000000-000000",
    startedAt: "2026-11-20T00:00:00.000Z",
  };
  const made = dump(d1Source("x", database), { ...info, ...options, output });
  let step = await made.next();
  while (!step.done) step = await made.next();
  return { summary: step.value, body };
}

/** Runs each statement by itself, as an import does that is no transaction. */
async function runEach(database: D1Database, sql: string): Promise<number> {
  const target = {
    async transaction(statements: readonly string[]) {
      for (const statement of statements) await database.prepare(statement).run();
    },
  };
  return await restore(target, [sql], { transactionSize: 0 });
}
