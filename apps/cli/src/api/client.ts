import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ERROR_CODES, isErrorCode } from "@patina/core/error";
import * as v from "valibot";
import { CommandError, EXIT, usageError } from "../failure.ts";
import { type Answer, ask } from "../http.ts";

/** Where a local run listens unless told otherwise, and where it keeps its token. */
const LOCAL_URL = "http://127.0.0.1:8787";
const LOCAL_TOKEN = join(".patina", "admin-token");

const Problem = v.object({ detail: v.string(), code: v.string(), next: v.optional(v.string()) });

/** Patina's API, as the person with the token sees it. */
export class ApiClient {
  readonly url: string;
  readonly #token: string;

  constructor({ url, token }: { url: string; token: string }) {
    this.url = url.replace(/\/$/, "");
    this.#token = token;
  }

  /**
   * The deployment of PATINA_URL and PATINA_TOKEN; without them the local run that was started in this folder.
   *
   * @throws {CommandError} exit 2 when neither is there
   */
  static of(env: NodeJS.ProcessEnv): ApiClient {
    const isLocal = env["PATINA_URL"] === undefined && existsSync(LOCAL_TOKEN);
    const url = env["PATINA_URL"] ?? (isLocal ? LOCAL_URL : "");
    if (!URL.canParse(url)) {
      throw usageError(
        "Cannot tell which Patina is meant: PATINA_URL is no URL",
        "export PATINA_URL=https://patina-dispatcher.<your subdomain>.workers.dev PATINA_TOKEN=...",
      );
    }
    const token = env["PATINA_TOKEN"] ?? (isLocal ? readFileSync(LOCAL_TOKEN, "utf8").trim() : "");
    if (token === "") throw usageError(`Cannot ask ${url}: PATINA_TOKEN is not set`, "Set it to the admin token.");
    return new ApiClient({ url, token });
  }

  /** Asks for something; a request that does not get through is sent again. */
  async get<S extends v.GenericSchema>(path: string, schema: S): Promise<v.InferOutput<S>> {
    return this.#read(await ask(async () => this.#request(path, { method: "GET" })), { path, schema });
  }

  /** Changes something. Sent once: who gets no answer has to look whether it was done. */
  async post<S extends v.GenericSchema>(
    path: string,
    { body, schema }: { body: unknown; schema: S },
  ): Promise<v.InferOutput<S>> {
    const request = async () => this.#request(path, { method: "POST", body: JSON.stringify(body) });
    return this.#read(await ask(request, { isOnce: true }), { path, schema });
  }

  #request(path: string, init: { method: string; body?: string }): Request {
    const headers = { authorization: `Bearer ${this.#token}`, "content-type": "application/json" };
    return new Request(`${this.url}${path}`, { ...init, headers, redirect: "manual" });
  }

  #read<S extends v.GenericSchema>(answer: Answer, { path, schema }: { path: string; schema: S }): v.InferOutput<S> {
    const json = parse(answer.body.toString());
    if (answer.status >= 300) throw this.#refused(answer.status, json);
    const read = v.safeParse(schema, json);
    if (read.success) return read.output;
    throw new CommandError(`Cannot understand what ${this.url}${path} answered: it may be another version of Patina`, {
      hint: "Use the command of the version that is deployed.",
    });
  }

  #refused(status: number, json: unknown): CommandError {
    const problem = v.safeParse(Problem, json);
    if (!problem.success) {
      return new CommandError(`Cannot ask ${this.url}: it answered HTTP ${status}, and is perhaps no Patina`, {
        exit: status === 401 || status === 403 ? EXIT.unauthorized : EXIT.error,
        hint: "Check PATINA_URL.",
      });
    }
    const { code, detail, next } = problem.output;
    if (status === 401 || status === 403) {
      const message = `Cannot ask ${this.url}: the token was refused`;
      return new CommandError(message, { exit: EXIT.unauthorized, hint: "Check PATINA_TOKEN." });
    }
    return new CommandError(detail, {
      exit: isErrorCode(code) ? ERROR_CODES[code].exit : EXIT.error,
      ...(next === undefined ? {} : { hint: next }),
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // no JSON, and so no answer of Patina's
  }
}
