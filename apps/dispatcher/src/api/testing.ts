import { env } from "cloudflare:test";
import { Validator } from "@cfworker/json-schema";
import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import type { Preflights } from "@patina/worker/preflights";
import { expect } from "vitest";
import { type Api, createApp } from "./app.ts";
import type { Access, AuthSettings } from "./auth.ts";
import { type DocumentedAnswer, documentOf } from "./openapi.ts";
import { OPEN, OPERATIONS } from "./operations.ts";
import { MemoryVault } from "./stored-backup.ts";

export const ADMIN_TOKEN = "admin-0123456789-0123456789-0123456789";
export const READ_TOKEN = "reader-0123456789-0123456789-0123456789";
const NOW = Date.parse("2026-11-20T12:00:00Z");

export interface Ask {
  readonly method?: string;
  readonly body?: string;
  /** The admin token unless said otherwise; null for none. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly access?: Access;
}

/** For tests inside workerd: the API over an empty catalog, on 20 November 2026 at noon. */
export class TestApi {
  readonly catalog: Catalog;
  readonly exports = new RecordedQueue();
  readonly log: string[] = [];
  auth: AuthSettings = { adminToken: ADMIN_TOKEN, readToken: READ_TOKEN, accessAudience: "" };
  now = NOW;
  readonly vault = new MemoryVault();
  preflights: Preflights = {
    preflight: async (database) => ({ end: "refused", code: "not_found", message: `Cannot find "${database}"` }),
    hasRedactionKey: async () => false,
  };
  /** How often the catalog was opened. */
  opened = 0;
  /** Failed attempts that are still allowed. */
  attempts = Number.POSITIVE_INFINITY;
  open = () => openCatalog(env.CATALOG);
  readonly #app = createApp();

  private constructor(catalog: Catalog) {
    this.catalog = catalog;
  }

  /** With databases registered, the first as critical, the second as high. */
  static async start(names: readonly string[] = ["auth", "shop"]): Promise<TestApi> {
    const catalog = await emptyCatalog();
    await register(catalog, names);
    return new TestApi(catalog);
  }

  /** Asks as a client would, and holds the answer against the OpenAPI document. */
  async ask(path: string, { method = "GET", body, token = ADMIN_TOKEN, headers = {}, access }: Ask = {}) {
    const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    const request = new Request(`https://patina.example${path}`, {
      method,
      headers: { ...authorization, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const answer = await this.#app.fetch(request, this.#bindings(access));
    await checkContract({ method, path }, answer.clone());
    return answer;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the shape of an answer is what the tests check
  async json(path: string, asked: Ask = {}): Promise<any> {
    return await jsonOf(await this.ask(path, asked));
  }

  #bindings(access: Access | undefined): Api["Bindings"] {
    const queue = this.exports as unknown as Queue;
    const log = createLog("test", { write: (line) => void this.log.push(line) });
    return {
      auth: this.auth,
      access,
      vault: this.vault,
      attempts: {
        limit: async () => {
          this.attempts -= 1;
          return { success: this.attempts >= 0 };
        },
      },
      channels: {
        seal: async ({ kind }) => ({
          end: "sealed",
          sealed: crypto.getRandomValues(new Uint8Array(8)),
          host: "hooks.example.com",
          signingKey: kind === "webhook" ? "whsec_test" : null,
        }),
        sendTest: async ({ channel }) => {
          const known = await env.CATALOG.prepare("select 1 from alert_config where id = ?").bind(channel).first();
          return known === null ? { end: "unknown" } : { end: "sent" };
        },
        hasAlertKey: async () => true,
        home: async () => ({ is: "unset" }),
      },
      preflights: this.preflights,
      log,
      environment: "local",
      open: async () => {
        this.opened += 1;
        const catalog = await this.open();
        const queues = { exports: queue, results: queue, alerts: queue, upkeep: queue };
        return { catalog, ...queues, clock: () => this.now, holder: "test", log };
      },
    };
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the shape of an answer is what the tests check
export async function jsonOf(answer: Response): Promise<any> {
  return await answer.json();
}

const DOCUMENT = documentOf([...OPEN, ...OPERATIONS]);

const NO_SUCH_ROUTE: DocumentedAnswer = {
  description: "Whatever is asked of a path or method that does not exist",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

/** Fails the test when an answer is not one that the document promises. */
async function checkContract({ method, path }: { method: string; path: string }, answer: Response): Promise<void> {
  expect(answer.status, `${method} ${path}`).not.toBe(500);
  const { pathname } = new URL(path, "https://patina.example");
  const template = Object.keys(DOCUMENT.paths).find((known) => matches(known, pathname));
  const operation = DOCUMENT.paths[template ?? ""]?.[method === "HEAD" ? "get" : method.toLowerCase()];
  const promised = operation === undefined ? NO_SUCH_ROUTE : operation.responses[String(answer.status)];
  expect(promised, `${method} ${path} answers ${answer.status}, which is not documented`).toBeDefined();
  const type = (answer.headers.get("content-type") ?? "").split(";")[0] ?? "";
  const content = promised?.content;
  if (content === undefined || method === "HEAD") return;
  expect(Object.keys(content), `${method} ${path}`).toContain(type);
  const { schema } = content[type] ?? {};
  if (schema === undefined) return;
  const { valid, errors } = validatorOf(schema).validate(await answer.json());
  expect(valid, `${method} ${path}: ${JSON.stringify(errors)}`).toBe(true);
}

const validators = new Map<object, Validator>();

function validatorOf(schema: object): Validator {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const made = new Validator({ ...schema, components: DOCUMENT.components } as object, "2020-12", false);
  validators.set(schema, made);
  return made;
}

function matches(template: string, pathname: string): boolean {
  const [wanted, found] = [template.split("/"), pathname.split("/")];
  return wanted.length === found.length && wanted.every((part, i) => part === found[i] || part.startsWith("{"));
}
