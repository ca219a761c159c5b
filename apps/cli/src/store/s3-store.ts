import type { StoredBytes } from "@patina/archive/range-reader";
import { AwsClient } from "aws4fetch";
import { CommandError, EXIT, usageError } from "../failure.ts";
import { type Answer, ask } from "../http.ts";
import type { Store, StoredObject } from "./store.ts";

export interface S3Options {
  readonly bucket: string;
  /** Ends with `/` unless it is empty. */
  readonly prefix: string;
  readonly endpoint: URL;
  readonly client: AwsClient;
}

/**
 * The bucket itself, over the S3 protocol that R2 speaks: works when every Worker is gone. Needs the right to list and
 * to read, and never asks for more.
 */
export class S3Store implements Store {
  readonly label: string;
  readonly #options: S3Options;

  constructor(options: S3Options) {
    this.label = `s3://${options.bucket}/${options.prefix}`;
    this.#options = options;
  }

  /**
   * @param place `s3://bucket` or `s3://bucket/prefix`
   * @param env the variables that other S3 tools read: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID,
   *   AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION
   * @throws {CommandError} exit 2 when one that is needed is not set
   */
  static of(place: string, env: NodeJS.ProcessEnv): S3Store {
    const [, bucket = "", path = ""] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(place) ?? [];
    if (bucket === "") throw usageError(`Cannot read "${place}": it names no bucket`, "--source s3://bucket/prefix");
    const endpoint = env["AWS_ENDPOINT_URL_S3"] ?? env["AWS_ENDPOINT_URL"] ?? "";
    if (!URL.canParse(endpoint)) {
      throw usageError(
        `Cannot read ${place}: AWS_ENDPOINT_URL is no URL`,
        "For R2 it is https://<account id>.r2.cloudflarestorage.com",
      );
    }
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
    if (accessKeyId === undefined || secretAccessKey === undefined) {
      throw usageError(
        `Cannot read ${place}: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set`,
        "For R2 they come from R2 > Manage API tokens, with the permission Object Read.",
      );
    }
    const client = new AwsClient({
      accessKeyId,
      secretAccessKey,
      ...(env["AWS_SESSION_TOKEN"] === undefined ? {} : { sessionToken: env["AWS_SESSION_TOKEN"] }),
      service: "s3",
      region: env["AWS_REGION"] ?? "auto",
      retries: 0,
    });
    const prefix = path === "" || path.endsWith("/") ? path : `${path}/`;
    return new S3Store({ bucket, prefix, endpoint: new URL(endpoint), client });
  }

  async folders(prefix: string): Promise<string[]> {
    const below = this.#options.prefix + prefix;
    const found: string[] = [];
    for await (const page of this.#pages({ prefix: below, delimiter: "/" })) {
      for (const [, text = ""] of page.matchAll(/<CommonPrefixes>\s*<Prefix>([^<]*)<\/Prefix>/g)) {
        found.push(decode(text).slice(below.length, -1));
      }
    }
    return found;
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    for await (const page of this.#pages({ prefix: this.#options.prefix + prefix })) {
      for (const [, content = ""] of page.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)) {
        const [, key = ""] = /<Key>([^<]*)<\/Key>/.exec(content) ?? [];
        const [, size = ""] = /<Size>(\d+)<\/Size>/.exec(content) ?? [];
        yield { key: decode(key).slice(this.#options.prefix.length), bytes: Number(size) };
      }
    }
  }

  async size(key: string): Promise<number | null> {
    const answer = await this.#ask(this.#url(key), { method: "HEAD" });
    return answer === null ? null : Number(answer.headers.get("content-length"));
  }

  async text(key: string): Promise<string | null> {
    const answer = await this.#ask(this.#url(key));
    return answer === null ? null : answer.body.toString("utf8");
  }

  open(key: string): StoredBytes {
    return {
      read: async (offset, length) => {
        if (length === 0) return new Uint8Array();
        const range = `bytes=${offset}-${offset + length - 1}`;
        const answer = await this.#ask(this.#url(key), { headers: { range } });
        if (answer === null) {
          throw new CommandError(`Cannot read ${this.label}${key}: it is not there`, { exit: EXIT.notFound });
        }
        // An endpoint that does not know ranges answers with everything.
        return answer.status === 206 ? answer.body : answer.body.subarray(offset, offset + length);
      },
    };
  }

  #url(key: string): URL {
    const { endpoint, bucket, prefix } = this.#options;
    const path = [bucket, ...(prefix + key).split("/")].map(encodeURIComponent).join("/");
    return new URL(`${endpoint.pathname.replace(/\/$/, "")}/${path}`, endpoint);
  }

  async *#pages(query: Readonly<Record<string, string>>): AsyncGenerator<string> {
    const url = this.#url("");
    url.pathname = url.pathname.slice(0, url.pathname.indexOf(`/${this.#options.bucket}`) + 1) + this.#options.bucket;
    let token: string | null = null;
    do {
      url.search = new URLSearchParams({
        "list-type": "2",
        ...query,
        ...(token === null ? {} : { "continuation-token": token }),
      }).toString();
      const answer = await this.#ask(url);
      if (answer === null) {
        throw new CommandError(`Cannot list ${this.label}: there is no such bucket`, { exit: EXIT.notFound });
      }
      const page = answer.body.toString("utf8");
      yield page;
      const [, next = null] = /<NextContinuationToken>([^<]*)<\/NextContinuationToken>/.exec(page) ?? [];
      token = next === null ? null : decode(next);
    } while (token !== null);
  }

  /** Null when there is no such thing. */
  async #ask(url: URL, init: RequestInit = {}): Promise<Answer | null> {
    const answer = await ask(() => this.#options.client.sign(url.href, init));
    if (answer.status === 404) return null;
    if (answer.status === 401 || answer.status === 403) {
      throw new CommandError(`Cannot read ${this.label}: the endpoint refused the access key`, {
        exit: EXIT.unauthorized,
        hint: "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may read.",
      });
    }
    if (answer.status >= 300) {
      throw new CommandError(`Cannot read ${this.label}: ${url.origin} answered HTTP ${answer.status}`);
    }
    return answer;
  }
}

/** Text of XML: only the five entities and numbered characters occur. */
function decode(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(amp|lt|gt|quot|apos));/g, (_, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name as keyof typeof ENTITIES];
    return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal));
  });
}

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" } as const;
