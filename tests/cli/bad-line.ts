import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** What goes wrong with a request that asks for bytes of a backup. */
type Mischief =
  /** The connection ends before an answer. */
  | "break"
  /** The server is overloaded. */
  | "503"
  /** The answer ends in the middle of its body. */
  | { readonly cutAfter: number };

export interface BadLine {
  readonly url: string;
  /** `GET /download/... bytes=0-99` */
  readonly requests: string[];
  /** What becomes of the next downloads, one after the other. */
  readonly mischief: Mischief[];
  /** Another text than the one that was answered, for answers that are JSON. */
  change: ((path: string, body: string) => string) | null;
  /** Nobody answers any more. */
  readonly stop: () => Promise<void>;
}

/** Stands between the command and a real Patina, on a network that is not what it should be. */
export async function startBadLine(target: URL): Promise<BadLine> {
  const requests: string[] = [];
  const mischief: Mischief[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((asked, answer) => {
    const { range = "" } = asked.headers;
    requests.push(`${asked.method} ${asked.url} ${range}`.trim());
    const isDownload = asked.url?.startsWith("/download/");
    pass(asked, answer, { target, mischief: isDownload ? mischief.shift() : undefined, change: line.change });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const line: BadLine = {
    url: `http://127.0.0.1:${port}`,
    requests,
    mischief,
    change: null,
    stop: async () => {
      const stopped = new Promise<void>((done) => server.close(() => done()));
      for (const socket of sockets) socket.destroy();
      await stopped;
    },
  };
  return line;
}

function pass(
  asked: IncomingMessage,
  answer: ServerResponse,
  { target, mischief, change }: { target: URL; mischief: Mischief | undefined; change: BadLine["change"] },
): void {
  if (mischief === "break") {
    asked.socket.destroy();
    return;
  }
  if (mischief === "503") {
    answer.writeHead(503).end("busy");
    return;
  }
  const path = asked.url ?? "/";
  // What is to be changed must not be compressed.
  const headers = change === null ? asked.headers : { ...asked.headers, "accept-encoding": "identity" };
  const onward = request(new URL(path, target).href, { method: asked.method, headers }, (back) => {
    if (change !== null && String(back.headers["content-type"]).includes("json")) {
      let text = "";
      back.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      back.on("end", () => answer.writeHead(back.statusCode ?? 500, JSON_TYPE).end(change(path, text)));
      return;
    }
    answer.writeHead(back.statusCode ?? 500, back.headers);
    if (mischief === undefined) {
      back.pipe(answer);
      return;
    }
    let left = mischief.cutAfter;
    answer.flushHeaders();
    back.on("data", (bytes: Buffer) => {
      if (left >= 0) answer.write(bytes.subarray(0, left));
      left -= bytes.length;
      // Once what was written is on its way.
      if (left <= 0) setTimeout(() => asked.socket.destroy(), 20);
    });
  });
  onward.on("error", () => asked.socket.destroy());
  asked.pipe(onward);
}

const JSON_TYPE = { "content-type": "application/json" };
