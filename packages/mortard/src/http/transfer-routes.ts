/** The two ways of snapshot data into and out of mortard, on its socket and on the peer port. */
import type { Readable } from "node:stream";
import {
  conforms, DigestRequest, firstMismatch, ReadRequest, TRANSFER_HEADER, TRANSFER_TYPE, WriteRequest,
} from "@mortar/api";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { PeerError } from "../peers/peer-error.ts";
import { type TransferKind, type Transfers, TransferRefused } from "../transfer/transfers.ts";

export interface TransferRoutesOptions {
  /** Before the kind's name. */
  readonly prefix: string;
  readonly transfers: () => Pick<Transfers, TransferKind | "close">;
  /** Throws for whoever may not. */
  readonly admit: (request: FastifyRequest) => void;
}

export function registerTransfers(server: FastifyInstance, options: TransferRoutesOptions): void {
  // The body is handed on as it comes.
  server.addContentTypeParser(TRANSFER_TYPE, (_request, payload, done) => done(null, payload));
  for (const kind of ["read", "write", "digest"] as const) {
    server.post(`${options.prefix}/${kind}`, { schema: { hide: true } }, async (request, reply) =>
      await answer(kind, request, reply, options));
  }
  server.addHook("preClose", (done) => {
    options.transfers().close();
    done();
  });
}

async function answer(
  kind: TransferKind,
  request: FastifyRequest,
  reply: FastifyReply,
  { transfers, admit }: TransferRoutesOptions,
): Promise<unknown> {
  try {
    admit(request);
    const header = JSON.parse(String(request.headers[TRANSFER_HEADER] ?? "")) as unknown;
    const output = await begun(transfers(), kind, header, request.body as Readable);
    // An answer that nobody reads any more ends what makes it.
    reply.raw.once("close", () => output.destroy());
    return await reply.code(200).type(TRANSFER_TYPE).serializer((it) => it as string).send(output);
  } catch (error) {
    const isRefusal = error instanceof TransferRefused || error instanceof PeerError ||
      error instanceof SyntaxError || (error instanceof Error && /^(Vg|Lvm2)Error$/.test(error.name));
    if (!isRefusal) throw error;
    const body = JSON.stringify({ message: error.message });
    return await reply.code(403).type("application/json").serializer((it) => it as string).send(body);
  }
}

async function begun(
  transfers: Pick<Transfers, TransferKind>, kind: TransferKind, header: unknown, body: Readable,
): Promise<Readable> {
  if (kind === "read") return await transfers.read(checked<typeof ReadRequest>(ReadRequest, header));
  if (kind === "write") {
    return await transfers.write(checked<typeof WriteRequest>(WriteRequest, header), body);
  }
  return await transfers.digest(checked<typeof DigestRequest>(DigestRequest, header));
}

function checked<S extends typeof ReadRequest | typeof WriteRequest | typeof DigestRequest>(
  schema: S, value: unknown,
): S["static"] {
  if (conforms(schema, value)) return value;
  throw new TransferRefused(`The request is wrong: ${firstMismatch(schema, value) ?? "no JSON"}`);
}
