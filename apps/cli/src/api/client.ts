import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { CommandError, EXIT, usageError } from "../failure.ts";
import { type Answer, ask, openStream, type Stream } from "../http.ts";
import { failureOf, jsonOf, problemOf } from "./problem.ts";

/** Where a local run listens unless told otherwise, and where it keeps its token. */
const LOCAL_URL = "http://127.0.0.1:8787";
const LOCAL_TOKEN = join(".patina", "admin-token");

export const API_HELP =
  "a running Patina, such as https://patina.example (or set PATINA_URL; its token is PATINA_TOKEN)";

/** Patina's API, as the person with the token sees it. */
export class ApiClient {
  readonly url: string;
  /** What says who asks. */
  readonly #credentials: Readonly<Record<string, string>>;

  constructor({ url, credentials }: { url: string; credentials: Readonly<Record<string, string>> }) {
    this.url = url.replace(/\/+$/, "");
    this.#credentials = credentials;
  }

  /**
   * The deployment that is named, else the one of PATINA_URL, else the local run that was started in this folder.
   *
   * @throws {CommandError} exit 2 when there is none, its address is none, or its token is not set
   */
  static of(env: NodeJS.ProcessEnv, named?: string): ApiClient {
    const url = named ?? env["PATINA_URL"] ?? (hasLocalRun() ? LOCAL_URL : "");
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      const variable = url === "" ? "PATINA_URL is not set" : "PATINA_URL is no URL";
      const what = named === undefined ? variable : `"${named}" is no URL`;
      throw usageError(
        `Cannot tell which Patina is meant: ${what}`,
        "export PATINA_URL=https://patina-dispatcher.<your subdomain>.workers.dev PATINA_TOKEN=...",
      );
    }
    const isHere = /^(127\.0\.0\.1|localhost|\[::1\])$/.test(new URL(url).hostname);
    if (!isHere && !url.startsWith("https:")) {
      throw usageError(`Cannot ask ${url}: the token would travel in the clear`, "Use its https:// address.");
    }
    const token = env["PATINA_TOKEN"] ?? (isHere && hasLocalRun() ? readFileSync(LOCAL_TOKEN, "utf8").trim() : "");
    const access = accessOf(env);
    if (token === "" && access === null) {
      throw usageError(`Cannot ask ${url}: PATINA_TOKEN is not set`, "Set it to the admin token.");
    }
    for (const name of ["PATINA_TOKEN", "CF_ACCESS_CLIENT_ID", "CF_ACCESS_CLIENT_SECRET"]) {
      // Such a header is refused with an error that repeats it.
      if (!/^[\x21-\x7e]*$/.test((env[name] ?? "").trim())) {
        const hint = "Set it again: it may have a line break inside, or the quotes of a word processor.";
        throw usageError(`Cannot ask ${url}: ${name} has a character that no token has`, hint);
      }
    }
    const bearer = token === "" ? {} : { authorization: `Bearer ${token}` };
    return new ApiClient({ url, credentials: { ...bearer, ...access } });
  }

  /** Whether of() would find one without being told. */
  static isKnown(env: NodeJS.ProcessEnv): boolean {
    return env["PATINA_URL"] !== undefined || hasLocalRun();
  }

  /** Asks for something; a request that does not get through is sent again. */
  async get<S extends v.GenericSchema>(path: string, schema: S): Promise<v.InferOutput<S>> {
    return this.#read(await ask(async () => this.#request(path, { method: "GET" })), { path, schema });
  }

  /** Asks for something that may not be there: null. */
  async find<S extends v.GenericSchema>(path: string, schema: S): Promise<v.InferOutput<S> | null> {
    const answer = await ask(async () => this.#request(path, { method: "GET" }));
    return answer.status === 404 && problemOf(answer) !== null ? null : this.#read(answer, { path, schema });
  }

  /**
   * Changes something, once however often the request has to be sent: a repetition carries the same Idempotency-Key. What
   * a PATCH or a DELETE does is the same when it is done twice.
   */
  async send<S extends v.GenericSchema>(
    method: "POST" | "PATCH" | "PUT" | "DELETE",
    path: string,
    { body, schema }: { body?: unknown; schema: S },
  ): Promise<v.InferOutput<S>> {
    const headers: Record<string, string> = method === "POST" ? { "idempotency-key": randomUUID() } : {};
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    // A second DELETE would find nothing, and say so.
    const answer = await ask(async () => this.#request(path, init), { isOnce: method === "DELETE" });
    return this.#read(answer, { path, schema });
  }

  /** Every entry of a list that is answered in pages. */
  async *pages<S extends v.GenericSchema<unknown, { readonly next_cursor: string | null }>>(
    path: string,
    schema: S,
  ): AsyncGenerator<v.InferOutput<S>> {
    for (let cursor: string | null = null; ; ) {
      const at: string = cursor === null ? "" : `${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}`;
      const page: v.InferOutput<S> = await this.get(`${path}${at}`, schema);
      yield page;
      if (page.next_cursor === null) return;
      cursor = page.next_cursor;
    }
  }

  /**
   * Begins to read bytes. Whoever reads asks again when they break off.
   *
   * @throws {PatinaError} or {CommandError} what the API refuses with
   */
  async open(path: string, headers: Readonly<Record<string, string>>): Promise<Stream> {
    const answer = await openStream(this.#request(path, { method: "GET", headers }));
    if ("next" in answer) return answer;
    throw this.#refused(answer);
  }

  #request(
    path: string,
    { headers, ...init }: { method: string; body?: string; headers?: Readonly<Record<string, string>> },
  ): Request {
    const all = { ...headers, ...this.#credentials, "content-type": "application/json" };
    return new Request(`${this.url}${path}`, { ...init, headers: all, redirect: "manual" });
  }

  #read<S extends v.GenericSchema>(answer: Answer, { path, schema }: { path: string; schema: S }): v.InferOutput<S> {
    if (answer.status >= 300) throw this.#refused(answer);
    const read = v.safeParse(schema, jsonOf(answer.body));
    if (read.success) return read.output;
    const asked = `${this.url}${path.replace(/\?.*/, "")}`;
    throw new CommandError(`Cannot understand what ${asked} answered: it may be another version of Patina`, {
      hint: "Use the command of the version that is deployed.",
    });
  }

  #refused(answer: Answer): Error {
    const problem = problemOf(answer);
    const { status } = answer;
    const isUnauthorized = status === 401 || status === 403;
    if (problem === null && (answer.headers.get("location") ?? "").includes(".cloudflareaccess.com/")) {
      return new CommandError(`Cannot ask ${this.url}: Cloudflare Access stands in front of it`, {
        exit: EXIT.unauthorized,
        hint: "Set CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET to a service token that its policy lets in.",
      });
    }
    if (problem === null) {
      return new CommandError(`Cannot ask ${this.url}: it answered HTTP ${status}, and is perhaps no Patina`, {
        exit: isUnauthorized ? EXIT.unauthorized : EXIT.error,
        hint: "Check PATINA_URL.",
      });
    }
    if (problem.code === "unauthorized") {
      const message = `Cannot ask ${this.url}: the token was refused`;
      return new CommandError(message, { exit: EXIT.unauthorized, hint: "Check PATINA_TOKEN." });
    }
    const { detail, next } = problem;
    return failureOf(problem) ?? new CommandError(detail, next === undefined ? {} : { hint: next });
  }
}

/** The service token for a deployment behind Cloudflare Access; null when none is set. */
function accessOf(env: NodeJS.ProcessEnv): Record<string, string> | null {
  const { CF_ACCESS_CLIENT_ID: id, CF_ACCESS_CLIENT_SECRET: secret } = env;
  if (id === undefined || secret === undefined) return null;
  return { "cf-access-client-id": id, "cf-access-client-secret": secret };
}

function hasLocalRun(): boolean {
  return existsSync(LOCAL_TOKEN);
}
