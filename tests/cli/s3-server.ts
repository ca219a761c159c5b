import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** What the server does to the next requests before it behaves again. */
type Mischief = "break" | "503" | "cut";

export interface S3Server {
  /** What the command needs in its environment to use it. */
  readonly env: Readonly<Record<string, string>>;
  /** Methods and paths that were asked for. */
  readonly requests: string[];
  readonly mischief: Mischief[];
  stop(): Promise<void>;
}

const KEY = "AKIATEST";

/** Objects on a page of a listing: few, so that every listing has several. */
const PAGE = 3;

/** A folder served as an S3 bucket named `backups`: listing by pages, ranges, signed requests only. */
export async function startS3(folder: string): Promise<S3Server> {
  const requests: string[] = [];
  const mischief: Mischief[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers.range ?? ""}`.trim());
    switch (mischief.shift()) {
      case "break":
        request.socket.destroy();
        return;
      case "503":
        response.writeHead(503).end();
        return;
      case "cut":
        // Promises more than it sends.
        response.writeHead(200, { "content-length": 1_000 }).write("half");
        setTimeout(() => request.socket.destroy(), 20);
        return;
      case undefined:
        answer(folder, { request, response });
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, AWS_ACCESS_KEY_ID: KEY, AWS_SECRET_ACCESS_KEY: "secret" },
    requests,
    mischief,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

function answer(folder: string, { request, response }: { request: IncomingMessage; response: ServerResponse }): void {
  const url = new URL(request.url ?? "/", "http://s3");
  if (!request.headers.authorization?.includes(`Credential=${KEY}/`)) {
    response.writeHead(403).end();
    return;
  }
  const [, bucket, ...rest] = url.pathname.split("/").map(decodeURIComponent);
  if (bucket !== "backups") {
    response.writeHead(404).end();
    return;
  }
  if (url.searchParams.get("list-type") === "2") {
    response.writeHead(200, { "content-type": "application/xml" }).end(listing(folder, url.searchParams));
    return;
  }
  const file = join(folder, ...rest);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    response.writeHead(404).end();
    return;
  }
  const content = readFileSync(file);
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  const part = from === undefined ? content : content.subarray(Number(from), Number(to) + 1);
  response.writeHead(from === undefined ? 200 : 206, { "content-length": part.length });
  response.end(request.method === "HEAD" ? undefined : part);
}

function listing(folder: string, query: URLSearchParams): string {
  const prefix = query.get("prefix") ?? "";
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(folder, path)).isFile() && path.startsWith(prefix))
    .sort();
  const names = query.has("delimiter")
    ? [...new Set(all.map((key) => `${prefix}${key.slice(prefix.length).split("/")[0]}/`))]
    : all;
  const from = Number(query.get("continuation-token") ?? 0);
  const entries = names.slice(from, from + PAGE).map((name) => {
    const text = name.replaceAll("&", "&amp;");
    if (query.has("delimiter")) return `<CommonPrefixes><Prefix>${text}</Prefix></CommonPrefixes>`;
    return `<Contents><Key>${text}</Key><Size>${statSync(join(folder, name)).size}</Size></Contents>`;
  });
  const next = from + PAGE < names.length ? `<NextContinuationToken>${from + PAGE}</NextContinuationToken>` : "";
  return `<?xml version="1.0"?><ListBucketResult>${entries.join("")}${next}</ListBucketResult>`;
}
