/**
 * Pieces that the layouts of file operations are made of. Every reply begins with op_ret and
 * op_errno, and has all its members, zeroed, when op_ret is -1.
 *
 * | reply | members | bytes, dictionaries empty |
 * |---|---|---|
 * | common | op_ret, op_errno, xdata | 20 |
 * | one iatt | common, stat | 168 |
 * | two iatts | common, before, after | 316 |
 * | three iatts | common, stat, parent before, parent after | 464 |
 * | dictionary | common, dictionary, before, after | 328 |
 */

import { xdr } from "@mortar/binary";
import type { XdrCodec, XdrReader, XdrWriter } from "@mortar/binary";
import { gfid, iatt } from "./attributes.ts";
import { procedure } from "./procedure.ts";
import type { Payload, Procedure } from "./procedure.ts";
import { PROGRAM } from "./program.ts";
import { typedDictionary } from "./typed-dictionary.ts";

/** A file's name: bytes, not text. */
export const name = xdr.opaque;
export const xdata = typedDictionary;

/** The handle that a brick gave out; -1 is none, -2 "whatever handle there is". */
export const fd = xdr.i64Nearest;

/** What an operation on an open file begins with. */
export const onFd = { gfid, fd } as const;

export const common = { opRet: xdr.i32, opErrno: xdr.i32, xdata } as const;

export const commonReply = xdr.record(common);
export const oneIattReply = xdr.record({ ...common, stat: iatt });
export const twoIattReply = xdr.record({ ...common, before: iatt, after: iatt });
export const threeIattReply = xdr.record({
  ...common,
  stat: iatt,
  parentBefore: iatt,
  parentAfter: iatt,
});
export const dictionaryReply = xdr.record({
  ...common,
  dictionary: typedDictionary,
  before: iatt,
  after: iatt,
});

export function fop<Request, Reply>(
  number: number,
  title: string,
  request: XdrCodec<Request>,
  reply: XdrCodec<Reply>,
): Procedure<Request, Reply> {
  return procedure(PROGRAM.fops, number, title, request, reply);
}

/** The layout, and then raw bytes up to the end of the message: neither counted nor padded. */
export function withPayload<T extends object>(
  codec: XdrCodec<T>,
): XdrCodec<T & Required<Payload>> {
  return xdr.scalar<T & Required<Payload>>(
    codec.sizeMin,
    (reader: XdrReader) => {
      const head = codec.read(reader);
      return { ...head, payload: reader.rest() };
    },
    (writer: XdrWriter, value) => {
      codec.write(writer, value);
      writer.raw(value.payload);
    },
  );
}
