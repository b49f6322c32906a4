import { XdrReader, XdrWriter, xdr } from "@mortar/binary";
import type { XdrCodec } from "@mortar/binary";
import { GlusterError } from "./error.ts";
import type { Program } from "./program.ts";

/** Raw bytes that follow the XDR of a message, unpadded: data read or to be written. */
export interface Payload {
  readonly payload?: Uint8Array;
}

/** One remote procedure: its number and the layouts of both directions. */
export interface Procedure<Request, Reply> {
  readonly program: Program;
  readonly number: number;
  readonly name: string;
  readonly request: XdrCodec<Request>;
  readonly reply: XdrCodec<Reply>;
  /** Throws GlusterError "malformed-message"; to be answered with garbage-arguments. */
  decodeRequest(args: Uint8Array): Request;
  encodeRequest(request: Request): Uint8Array;
  decodeReply(results: Uint8Array): Reply;
  encodeReply(reply: Reply): Uint8Array;
}

/** Nothing at all. */
export const nothing: XdrCodec<undefined> = xdr.scalar(
  0,
  () => undefined,
  () => undefined,
);

export function procedure<Request, Reply>(
  program: Program,
  number: number,
  name: string,
  request: XdrCodec<Request>,
  reply: XdrCodec<Reply>,
): Procedure<Request, Reply> {
  const title = `${program.name} ${name}`;
  return Object.freeze({
    program,
    number,
    name,
    request,
    reply,
    decodeRequest: (args: Uint8Array) => decode(request, args, `request ${title}`),
    encodeRequest: (value: Request) => encode(request, value, `request ${title}`),
    decodeReply: (results: Uint8Array) => decode(reply, results, `reply ${title}`),
    encodeReply: (value: Reply) => encode(reply, value, `reply ${title}`),
  });
}

/**
 * What goes wrong becomes a GlusterError that names `title`. Bytes after the last item are ignored,
 * as GlusterFS does: later versions have appended members.
 */
export function decode<T>(codec: XdrCodec<T>, bytes: Uint8Array, title: string): T {
  try {
    return codec.read(new XdrReader(bytes));
  } catch (error) {
    throw malformed(error, title);
  }
}

export function encode<T>(codec: XdrCodec<T>, value: T, title: string): Uint8Array {
  try {
    const writer = new XdrWriter();
    codec.write(writer, value);
    return writer.view();
  } catch (error) {
    throw malformed(error, title);
  }
}

function malformed(error: unknown, title: string): GlusterError {
  const cause = error instanceof Error ? error.message : String(error);
  return new GlusterError("malformed-message", `${title}: ${cause}`, { cause: error });
}
