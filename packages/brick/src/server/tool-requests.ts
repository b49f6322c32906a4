/**
 * What GlusterFS's own tools ask of a brick server over its socket: to end (`gf_attach -d SOCKET
 * BRICK`). They speak ONC RPC there; the first byte of a record has its highest bit set, which no line
 * of JSON has.
 */
import { brickOperation, Dictionary } from "@mortar/gluster";
import { decodeCall, encodeReply, RecordDecoder } from "@mortar/rpc";
import { Errno } from "../store/errno.ts";

const RECORD_BYTES_MAX = 64 * 1024;

/** False: another brick is meant. */
export type Terminate = (path: string) => boolean;

export const isToolRequest = (first: number): boolean => (first & 0x80) !== 0;

export class ToolRequests {
  readonly #decoder = new RecordDecoder({ recordBytesMax: RECORD_BYTES_MAX });
  /** The brick ends when the tool has read the answer, and goes. */
  hasTerminated = false;

  /** The answers to what has come whole. Throws for what is no call. */
  answers(chunk: Uint8Array, terminate: Terminate): Uint8Array[] {
    return this.#decoder.push(chunk.slice()).map((record) => answerOf(record, (path) => {
      const isOurs = terminate(path);
      this.hasTerminated ||= isOurs;
      return isOurs;
    }));
  }
}

function answerOf(record: Uint8Array, terminate: Terminate): Uint8Array {
  const { xid, program, version, procedure, args } = decodeCall(record);
  const known = brickOperation.terminate;
  if (program !== known.program.number || version !== known.program.version) {
    return encodeReply(xid, { kind: "program-unavailable" });
  }
  if (procedure !== known.number) return encodeReply(xid, { kind: "procedure-unavailable" });
  const { name } = known.decodeRequest(args);
  const isOurs = terminate(name);
  const results = known.encodeReply({
    opRet: isOurs ? 0 : -1, opErrno: isOurs ? 0 : Errno.ENOENT, output: new Dictionary(),
    opErrstr: isOurs ? "" : `${name} is not served here`,
  });
  return encodeReply(xid, { kind: "success", results });
}
