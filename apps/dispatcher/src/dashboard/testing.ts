import { env } from "cloudflare:test";
import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { emptyCatalog } from "@patina/catalog/testing";
import { type Cost, countedDatabase } from "@patina/testkit/counted";
import { RecordedQueue } from "@patina/testkit/queue";
import type { TestAnswer } from "@patina/worker/channels";
import { createLog } from "@patina/worker/log";
import type { AuthSettings } from "../api/auth.ts";
import { MemoryVault } from "../api/stored-backup.ts";
import { createFront } from "../front.ts";
import type { Dashboard } from "./app.tsx";

export const ADMIN_TOKEN = "admin-0123456789-0123456789-0123456789";
export const READ_TOKEN = "reader-0123456789-0123456789-0123456789";
const ORIGIN = "https://patina.example";

/** For tests inside workerd: a browser at the front door, on 20 November 2026 at noon, with an empty catalog behind it. */
export class TestBrowser {
  readonly catalog: Catalog;
  readonly exports = new RecordedQueue();
  readonly cost: Cost = { queries: 0, rowsRead: 0 };
  readonly vault = new MemoryVault();
  auth: AuthSettings = { adminToken: ADMIN_TOKEN, readToken: READ_TOKEN, accessAudience: "" };
  access: Dashboard["Bindings"]["access"];
  /** Failed logins that are still allowed. */
  attempts = Number.POSITIVE_INFINITY;
  /** What became of a test of a channel. */
  testAnswer: TestAnswer = { end: "sent" };
  now = Date.parse("2026-11-20T12:00:00Z");
  cookie: string | null = null;
  readonly #front = createFront();

  private constructor(catalog: Catalog) {
    this.catalog = catalog;
  }

  static async start(): Promise<TestBrowser> {
    return new TestBrowser(await emptyCatalog());
  }

  /** Logs in and stays so. */
  async logIn(token = ADMIN_TOKEN): Promise<this> {
    await this.post("/dashboard/login", { token });
    return this;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return await this.#send(path, { method: "GET", headers: { accept: "text/html", ...headers } });
  }

  /** The text of a page, which must be one. */
  async page(path: string): Promise<string> {
    const answer = await this.get(path);
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}: ${text}`);
    return text;
  }

  /** Sends a form of the dashboard's own, unless the headers say where else it comes from. */
  async post(path: string, fields: Record<string, string> = {}, headers: Record<string, string> = { origin: ORIGIN }) {
    return await this.#send(path, { method: "POST", headers, body: new URLSearchParams(fields) });
  }

  async #send(path: string, init: RequestInit & { headers: Record<string, string> }): Promise<Response> {
    const headers = { ...init.headers, ...(this.cookie === null ? {} : { cookie: this.cookie }) };
    const request = new Request(new URL(path, ORIGIN), { ...init, headers, redirect: "manual" });
    const answer = await this.#front.fetch(request, this.#bindings());
    const [, cookie] = /^([^;]*)/.exec(answer.headers.get("set-cookie") ?? "") ?? [];
    if (cookie) this.cookie = cookie.endsWith("=") ? null : cookie;
    return answer;
  }

  #bindings(): Dashboard["Bindings"] {
    const queue = this.exports as unknown as Queue;
    const log = createLog("test", { write: () => undefined });
    return {
      auth: this.auth,
      access: this.access,
      attempts: {
        limit: async () => {
          this.attempts -= 1;
          return { success: this.attempts >= 0 };
        },
      },
      vault: this.vault,
      channels: {
        seal: async ({ kind }) => ({
          end: "sealed",
          sealed: crypto.getRandomValues(new Uint8Array(8)),
          host: "hooks.example.com",
          signingKey: kind === "webhook" ? "whsec_test" : null,
        }),
        sendTest: async () => this.testAnswer,
        hasAlertKey: async () => true,
        home: async () => ({ is: "unset" }),
      },
      preflights: {
        preflight: async () => ({ end: "refused", code: "not_found", message: "Cannot find this database" }),
        hasRedactionKey: async () => false,
      },
      log,
      environment: "local",
      clock: () => this.now,
      open: async () => {
        const catalog = await openCatalog(countedDatabase(env.CATALOG, this.cost));
        const queues = { exports: queue, results: queue, alerts: queue, upkeep: queue };
        return { catalog, ...queues, clock: () => this.now, holder: "test", log };
      },
    };
  }
}

/** What a page says, without its mark-up. */
export function wordsOf(html: string): string {
  return html
    .replaceAll(/<title>.*?<\/title>/g, "")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&")
    .replaceAll(/\s+/g, " ");
}
