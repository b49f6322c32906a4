/**
 * What a management daemon asks of a running brick process, over the process's unix socket. All
 * procedures share one request and one reply. Dictionaries are of the untyped kind.
 */

import { XdrReader, XdrWriter, xdr } from "@mortar/binary";
import type { XdrCodec, XdrValue } from "@mortar/binary";
import { Dictionary, dictionary } from "./dictionary.ts";
import { GlusterError } from "./error.ts";
import { procedure } from "./procedure.ts";
import { PROGRAM } from "./program.ts";

const request = xdr.record({
  name: xdr.text,
  op: xdr.i32,
  input: dictionary,
  extra: dictionary,
});

/** Processes before GlusterFS 9 leave `extra` out. */
const requestTolerant: XdrCodec<XdrValue<typeof request>> = xdr.scalar(
  request.sizeMin - 4,
  readRequest,
  (writer: XdrWriter, value: XdrValue<typeof request>) => request.write(writer, value),
);

function readRequest(reader: XdrReader): XdrValue<typeof request> {
  const name = reader.text();
  const op = reader.i32();
  const input = dictionary.read(reader);
  const extra = reader.remaining === 0 ? new Dictionary() : dictionary.read(reader);
  return { name, op, input, extra };
}

const reply = xdr.record({
  opRet: xdr.i32,
  opErrno: xdr.i32,
  output: dictionary,
  opErrstr: xdr.text,
});

const brickProcedure = (number: number, name: string) =>
  procedure(PROGRAM.brick, number, name, requestTolerant, reply);

export const brickOperation = {
  terminate: brickProcedure(1, "TERMINATE"),
  xlatorInfo: brickProcedure(2, "XLATOR_INFO"),
  xlatorOp: brickProcedure(3, "XLATOR_OP"),
  status: brickProcedure(4, "STATUS"),
  op: brickProcedure(5, "OP"),
  xlatorDefrag: brickProcedure(6, "XLATOR_DEFRAG"),
  nodeProfile: brickProcedure(7, "NODE_PROFILE"),
  nodeStatus: brickProcedure(8, "NODE_STATUS"),
  volumeBarrier: brickProcedure(9, "VOLUME_BARRIER_OP"),
  brickBarrier: brickProcedure(10, "BRICK_BARRIER"),
  nodeBitrot: brickProcedure(11, "NODE_BITROT"),
  attach: brickProcedure(12, "BRICK_ATTACH"),
  dumpMetrics: brickProcedure(13, "DUMP_METRICS"),
  serviceAttach: brickProcedure(14, "SVC_ATTACH"),
  serviceDetach: brickProcedure(15, "SVC_DETACH"),
} as const;

export type BrickRequest = XdrValue<typeof request>;
export type BrickReply = XdrValue<typeof reply>;

/**
 * The process serves this brick no longer, and leaves when it was its last: often before its reply
 * is sent. The end of the process is the answer.
 */
export function terminateRequest(brickPath: string): BrickRequest {
  return { name: brickPath, op: 0, input: new Dictionary(), extra: new Dictionary() };
}

/**
 * Hold back (or let go) the acknowledgements of operations that change the tree, so that a snapshot
 * sees no half of one. The brick lets go by itself after its barrier-timeout.
 */
export function barrierRequest(brickPath: string, enable: boolean): BrickRequest {
  const input = Dictionary.of({ barrier: enable ? "enable" : "disable" });
  return { name: brickPath, op: 0, input, extra: new Dictionary() };
}

/** What `volume status` wants to know; bits of the key `cmd`. */
export const STATUS_COMMAND = {
  memory: 0x001,
  clients: 0x002,
  inodes: 0x004,
  fds: 0x008,
  callPool: 0x010,
  detail: 0x020,
} as const;

/** Without `brick-name` in it the process gives no answer at all. */
export function statusRequest(brickPath: string, command: number): BrickRequest {
  const input = Dictionary.of({ cmd: command, "brick-name": brickPath });
  return { name: brickPath, op: 0, input, extra: new Dictionary() };
}

/** Throws GlusterError "brick-refused" when the brick did, with its own words. */
export function expectBrickSuccess(answer: BrickReply, what: string): Dictionary {
  if (answer.opRet === 0) return answer.output;
  const reason = answer.opErrstr === "" ? `errno ${answer.opErrno}` : answer.opErrstr;
  throw new GlusterError("brick-refused", `${what}: the brick process refused: ${reason}`);
}
