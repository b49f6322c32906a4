/**
 * Parts of streams in a bucket of an S3-compatible store: `s3://BUCKET/PREFIX`.
 *
 * Keys come from the environment, as with other tools: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
 * AWS_SESSION_TOKEN; AWS_REGION; AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL. The bucket is a part of the
 * path, which every such store understands.
 */
import { AwsClient } from "aws4fetch";
import type { PartStore } from "./directory-place.ts";
import { TransferError } from "./stream-place.ts";

const TRIES = 4;
const TEXT_MAX = 300;

export interface S3Options {
  /** `s3://BUCKET/PREFIX` */
  readonly url: string;
  readonly endpoint: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export class S3Store implements PartStore {
  readonly name: string;
  readonly #client: AwsClient;
  readonly #bucket: string;
  readonly #prefix: string;

  /** Throws `TransferError`. */
  constructor({ url, endpoint, environment }: S3Options) {
    const [, bucket, prefix = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(url) ?? [];
    if (bucket === undefined) throw new TransferError(`${url} is not s3://BUCKET/PREFIX`);
    const accessKeyId = environment["AWS_ACCESS_KEY_ID"];
    const secretAccessKey = environment["AWS_SECRET_ACCESS_KEY"];
    if (accessKeyId === undefined || secretAccessKey === undefined) {
      throw new TransferError("The keys of the store are not known",
        "export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…");
    }
    const sessionToken = environment["AWS_SESSION_TOKEN"];
    const region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? "us-east-1";
    const at = endpoint ?? environment["AWS_ENDPOINT_URL_S3"] ?? environment["AWS_ENDPOINT_URL"] ??
      `https://s3.${region}.amazonaws.com`;
    this.name = url.replace(/\/$/, "");
    this.#bucket = `${at.replace(/\/$/, "")}/${bucket}`;
    this.#prefix = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
    this.#client = new AwsClient({
      accessKeyId, secretAccessKey, service: "s3", region, retries: TRIES,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    });
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.#ask("PUT", this.#urlOf(name), bytes);
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const answer = await this.#ask("GET", this.#urlOf(name), undefined);
    return answer.status === 404 ? undefined : new Uint8Array(await answer.arrayBuffer());
  }

  async list(suffix: string): Promise<string[]> {
    const names: string[] = [];
    let continuation: string | undefined;
    do {
      const query = new URLSearchParams({ "list-type": "2", prefix: this.#prefix });
      if (continuation !== undefined) query.set("continuation-token", continuation);
      const answer = await this.#ask("GET", `${this.#bucket}?${query.toString()}`, undefined);
      if (answer.status === 404) throw new TransferError(`There is no bucket ${this.name}`);
      const text = await answer.text();
      names.push(...[...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = ""]) => plain(key)));
      const [, next] = /<NextContinuationToken>([^<]*)</.exec(text) ?? [];
      continuation = next === undefined ? undefined : plain(next);
    } while (continuation !== undefined);
    return names.map((it) => it.slice(this.#prefix.length)).filter((it) => it.endsWith(suffix)).sort();
  }

  #urlOf(name: string): string {
    const key = `${this.#prefix}${name}`.split("/").map(encodeURIComponent).join("/");
    return `${this.#bucket}/${key}`;
  }

  /** 404 is an answer; anything else that is no success is thrown. */
  async #ask(method: string, url: string, body: Uint8Array | undefined): Promise<Response> {
    let answer: Response;
    try {
      answer = await this.#client.fetch(url, { method, ...(body === undefined ? {} : { body }) });
    } catch (cause) {
      const reason = (cause as { cause?: Error }).cause?.message ?? (cause as Error).message;
      throw new TransferError(`${this.name} does not answer: ${reason}`, undefined, { cause });
    }
    if (answer.ok || (answer.status === 404 && method === "GET")) return answer;
    const text = await answer.text();
    const [, said] = /<Message>([^<]*)</.exec(text) ?? [];
    throw new TransferError(`${this.name}: ${method} is refused with ${answer.status}: ` +
      (said ?? text.slice(0, TEXT_MAX)));
  }
}

const entities: Readonly<Record<string, string>> = {
  "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'",
};

function plain(text: string): string {
  return text
    .replaceAll(/&#(x?)([0-9a-fA-F]+);/g, (_, hex: string, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, hex === "" ? 10 : 16)))
    .replaceAll(/&(?:amp|lt|gt|quot|apos);/g, (entity) => entities[entity] ?? entity);
}
