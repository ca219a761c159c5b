import type { Seed } from "@patina/catalog/idempotency";
import { type ErrorCode, PatinaError } from "@patina/core/error";
import type { Context, Hono } from "hono";
import * as v from "valibot";
import type { Api } from "./app.ts";
import type { Role } from "./auth.ts";
import { IDEMPOTENCY_KEY, KEY_PROBLEMS, once } from "./idempotent.ts";
import { type Fields, readBody, readPath, readQuery } from "./input.ts";

/** What an operation answers when it succeeds: JSON of a shape, or something else of a media type. */
export type Answer =
  | { readonly is: "json"; readonly schema: v.GenericSchema }
  | { readonly is: "media"; readonly types: readonly string[] };

/** One method of one path. The routes, the checks of what comes in and the OpenAPI document are made from these. */
export interface Operation {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With variable parts as `:name`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  /** Who may ask; null for anybody. */
  readonly needs: Role | null;
  readonly params: Fields;
  readonly query: Fields;
  readonly body: Fields | null;
  readonly headers: readonly HeaderField[];
  readonly status: Success;
  readonly answer: Answer;
  /** Further statuses that are no failure, each with what it means. */
  readonly also: Readonly<Record<number, string>>;
  readonly problems: readonly ErrorCode[];
  handle(c: Context<Api>): Promise<Response>;
}

export interface HeaderField {
  readonly name: string;
  readonly description: string;
}

type Success = 200 | 201 | 202;

interface Asked<P, Q, B> {
  /** What a POST makes is named after this, see idempotent.ts. */
  readonly seed: Seed;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
}

type Output<E extends v.ObjectEntries> = v.InferOutput<v.StrictObjectSchema<E, undefined>>;

interface Described<P extends v.ObjectEntries, Q extends v.ObjectEntries, B extends v.ObjectEntries> {
  readonly method: Operation["method"];
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** By default a reader may GET, and all else is for an admin. */
  readonly needs?: Role | null;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly headers?: readonly HeaderField[];
  readonly status?: Success;
  /** Fields of a POST's answer that are shown once: an answer that is given again has null in their place. */
  readonly shownOnce?: readonly string[];
  readonly also?: Readonly<Record<number, string>>;
  /** Those that are this operation's own; what any request can meet goes without saying. */
  readonly problems?: readonly ErrorCode[];
}

/** What does not make anything needs none. */
const NO_SEED: Seed = { at: 0, entropy: "" };

/** An operation that answers with JSON. What `handle` returns must have the shape that is documented. */
export function operation<
  R extends v.GenericSchema,
  P extends v.ObjectEntries = Record<never, never>,
  Q extends v.ObjectEntries = Record<never, never>,
  B extends v.ObjectEntries = Record<never, never>,
>(
  described: Described<P, Q, B> & {
    readonly answer: R;
    handle(c: Context<Api>, asked: Asked<Output<P>, Output<Q>, Output<B>>): Promise<v.InferInput<R> | v.InferOutput<R>>;
  },
): Operation {
  const { handle, answer, ...rest } = described;
  return complete(rest, {
    answer: { is: "json", schema: answer },
    handle: async (c, asked: Asked<Output<P>, Output<Q>, Output<B>>) =>
      c.json(await handle(c, asked), rest.status ?? 200),
  });
}

/** An operation that answers with something else than JSON. */
export function mediaOperation<
  P extends v.ObjectEntries = Record<never, never>,
  Q extends v.ObjectEntries = Record<never, never>,
>(
  described: Described<P, Q, Record<never, never>> & {
    readonly types: readonly string[];
    handle(c: Context<Api>, asked: Asked<Output<P>, Output<Q>, unknown>): Promise<Response>;
  },
): Operation {
  const { handle, types, ...rest } = described;
  return complete(rest, { answer: { is: "media", types }, handle });
}

function complete<P extends v.ObjectEntries, Q extends v.ObjectEntries, B extends v.ObjectEntries>(
  described: Described<P, Q, B>,
  {
    answer,
    handle,
  }: {
    answer: Answer;
    handle: (c: Context<Api>, asked: Asked<Output<P>, Output<Q>, Output<B>>) => Promise<Response>;
  },
): Operation {
  const params = v.strictObject(described.params ?? {});
  const query = v.strictObject(described.query ?? {});
  const body = described.body === undefined ? null : v.strictObject(described.body);
  return {
    method: described.method,
    path: described.path,
    tag: described.tag,
    summary: described.summary,
    description: described.description ?? "",
    needs: described.needs === undefined ? (described.method === "GET" ? "reader" : "admin") : described.needs,
    params,
    query,
    body,
    headers: [...(described.method === "POST" ? [IDEMPOTENCY_KEY] : []), ...(described.headers ?? [])],
    status: described.status ?? 200,
    answer,
    also: described.also ?? {},
    problems: [...(described.method === "POST" ? KEY_PROBLEMS : []), ...(described.problems ?? [])],
    async handle(c) {
      const asked = {
        params: readPath(c.req.param() as Record<string, string>, params),
        query: readQuery(c.req.url, query),
        body: await readBody(c.req.raw, body ?? v.strictObject({})),
      };
      const act = async (seed: Seed) => await handle(c, { ...asked, seed } as Asked<Output<P>, Output<Q>, Output<B>>);
      const { shownOnce = [] } = described;
      return described.method === "POST" ? await once(c, { asked, act, shownOnce }) : await act(NO_SEED);
    },
  };
}

/** Makes routes of operations, each for those who may use it. */
export function mount(app: Hono<Api>, operations: readonly Operation[]): void {
  for (const { method, path, needs, handle } of operations) {
    app.on(method, path, async (c) => {
      if (needs === "admin" && c.get("principal").role !== "admin") {
        throw new PatinaError("forbidden", "Cannot do this: the token may only look");
      }
      return await handle(c);
    });
  }
}
