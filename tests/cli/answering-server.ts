import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Stands for a deployment: it answers what a test says, and remembers what it was asked. */
export class AnsweringServer {
  /** Answers by request, one after the other; the last one stays. */
  readonly answers = new Map<string, unknown[]>();
  readonly asked: { readonly request: string; readonly body: unknown }[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      let text = "";
      for await (const piece of request) text += String(piece);
      const name = `${request.method} ${request.url}`;
      this.asked.push({ request: name, body: text === "" ? null : JSON.parse(text) });
      const waiting = this.answers.get(name) ?? [];
      const answer = waiting.length > 1 ? waiting.shift() : waiting[0];
      const problem = { detail: "Cannot find this", code: "not_found", next: "" };
      response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(answer ?? problem));
    });
  }

  static async start(): Promise<AnsweringServer> {
    const started = new AnsweringServer();
    await new Promise<void>((listening) => started.#server.listen(0, "127.0.0.1", listening));
    return started;
  }

  /** What the command needs in its environment to ask it. */
  get env(): Record<string, string> {
    const { port } = this.#server.address() as AddressInfo;
    return { PATINA_URL: `http://127.0.0.1:${port}`, PATINA_TOKEN: "token" };
  }

  forget(): void {
    this.answers.clear();
    this.asked.length = 0;
  }

  stop(): void {
    this.#server.close();
  }
}
