/**
 * The data of snapshots on its way through mortard: frames of one brick, read from its logical
 * volume or written into it, on whichever node that is. Not routes of JSON: the body of an answer,
 * or of a request, is a part of a snapshot stream, and has no end that is known before.
 *
 *     POST /v1/transfer/read     answer: frames of the brick, up to its `brickEnd`
 *     POST /v1/transfer/write    request: the same; answer: lines of JSON, `TransferLine`
 *     POST /v1/transfer/digest   a bookmark's digests of the brick are made; answer: `TransferLine`s
 *
 * What is asked for is in the header `x-mortar-transfer`. A failure in the middle of an answer of
 * frames has no words: the connection ends, and what was wrong is in the node's log.
 */
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { type Static, Type } from "./schema/schema.ts";
import { ApiError } from "./http-exchange.ts";
import { conforms } from "./check.ts";
import { BookmarkPart } from "./transfer-routes.ts";

export const TRANSFER_HEADER = "x-mortar-transfer";
export const TRANSFER_TYPE = "application/x-mortar-frames";
const word = Type.String({ minLength: 1, maxLength: 128, pattern: "^[A-Za-z0-9_+.][A-Za-z0-9_+.-]*$" });
const index = Type.Integer({ minimum: 0, maximum: 65_535 });
const bytes = Type.Integer({ minimum: 0, maximum: 2 ** 52 });

export const ReadRequest = Type.Object({
  node: Type.String({ maxLength: 64 }),
  vg: word,
  pool: word,
  lv: word,
  baseLv: Type.Optional(word),
  /** Digests that the content is compared with. */
  bookmark: Type.Optional(BookmarkPart),
  brick: index,
  offset: bytes,
  sizeBytes: bytes,
  /** 0 to 9. */
  level: Type.Integer({ minimum: 0, maximum: 9 }),
});
export type ReadRequest = Static<typeof ReadRequest>;

export const WriteRequest = Type.Object({
  node: Type.String({ maxLength: 64 }),
  vg: word,
  lv: word,
  kind: Type.Union([Type.Literal("full"), Type.Literal("delta")]),
  brick: index,
  offset: bytes,
  sizeBytes: bytes,
});
export type WriteRequest = Static<typeof WriteRequest>;

export const DigestRequest = Type.Object({
  node: Type.String({ maxLength: 64 }),
  vg: word,
  pool: word,
  lv: word,
  bookmark: BookmarkPart,
  sizeBytes: bytes,
});
export type DigestRequest = Static<typeof DigestRequest>;

export const TransferLine = Type.Union([
  Type.Object({ durable: bytes, isDone: Type.Boolean() }, { description: "is on the disk, or has a digest" }),
  Type.Object({ error: Type.String() }),
]);
export type TransferLine = Static<typeof TransferLine>;

const paths = {
  read: "/v1/transfer/read", write: "/v1/transfer/write", digest: "/v1/transfer/digest",
} as const;

export interface TransferWrite {
  /** Resolves when more may be written. Rejects when nobody takes it any more. */
  write(bytes: Uint8Array): Promise<void>;
  end(): void;
  /** Ends with the line that is done. Throws `ApiError` with what the node says. */
  readonly lines: AsyncIterable<Extract<TransferLine, { durable: number }>>;
  destroy(): void;
}

export class TransferClient {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Frames of a brick. Throws `ApiError`. */
  async read(asked: ReadRequest): Promise<IncomingMessage> {
    const outgoing = this.#open("read", asked);
    outgoing.end();
    const incoming = await answerOf(outgoing, this.#socketPath);
    if (incoming.statusCode !== 200) throw await refusalOf(incoming);
    return incoming;
  }

  /** Ends with the line that is done. Throws `ApiError` with what the node says. */
  digest(asked: DigestRequest): TransferWrite["lines"] {
    const outgoing = this.#open("digest", asked);
    outgoing.end();
    return linesOf(answerOf(outgoing, this.#socketPath));
  }

  write(asked: WriteRequest): TransferWrite {
    const outgoing = this.#open("write", asked);
    outgoing.flushHeaders();
    const answer = answerOf(outgoing, this.#socketPath);
    answer.catch(() => undefined);
    return {
      write: (part) => written(outgoing, part),
      end: () => void outgoing.end(),
      lines: linesOf(answer),
      destroy: () => void outgoing.destroy(),
    };
  }

  #open(which: keyof typeof paths, asked: object): ClientRequest {
    const outgoing = request({
      socketPath: this.#socketPath,
      method: "POST",
      path: paths[which],
      agent: false,
      headers: { "content-type": TRANSFER_TYPE, [TRANSFER_HEADER]: JSON.stringify(asked) },
    });
    outgoing.on("error", () => undefined);
    return outgoing;
  }
}

function answerOf(outgoing: ClientRequest, socketPath: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once("response", resolve);
    outgoing.once("error", (cause) => {
      const message = `mortard does not answer on ${socketPath}: ${cause.message}`;
      reject(new ApiError("connection-failed", message, { cause }));
    });
  });
}

async function refusalOf(incoming: IncomingMessage): Promise<ApiError> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString("utf8").slice(0, 4096);
  let said = text;
  try {
    said = (JSON.parse(text) as { readonly message?: string }).message ?? text;
  } catch {
    // As it is.
  }
  return new ApiError("bad-answer", said);
}

function written(outgoing: ClientRequest, part: Uint8Array): Promise<void> {
  if (outgoing.destroyed) return Promise.reject(gone());
  if (outgoing.write(part)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => () => {
      outgoing.off("drain", onDrain).off("close", onClose);
      act();
    };
    const onDrain = settle(resolve);
    const onClose = settle(() => reject(gone()));
    outgoing.on("drain", onDrain).on("close", onClose);
  });
}

function gone(): ApiError {
  return new ApiError("connection-failed", "The node that writes does not go on");
}

async function* linesOf(
  answer: Promise<IncomingMessage>,
): AsyncGenerator<Extract<TransferLine, { durable: number }>> {
  const incoming = await answer;
  if (incoming.statusCode !== 200) throw await refusalOf(incoming);
  let text = "";
  for await (const part of incoming) {
    const lines = (text + String(part)).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const told = lineOf(line);
      yield told;
      if (told.isDone) return;
    }
    if (text.length > 65_536) throw new ApiError("bad-answer", "A line of progress is too long");
  }
  throw gone();
}

function lineOf(line: string): Extract<TransferLine, { durable: number }> {
  let told: unknown;
  try {
    told = JSON.parse(line);
  } catch (cause) {
    throw new ApiError("bad-answer", "A line of progress is not JSON", { cause });
  }
  if (!conforms(TransferLine, told)) throw new ApiError("bad-answer", "A line of progress is none");
  if ("error" in told) throw new ApiError("bad-answer", told.error);
  return told;
}
