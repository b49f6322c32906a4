/** Brick operations, over the unix socket of a running brick server. One connection each. */
import { type Socket, createConnection } from "node:net";
import {
  type BrickReply,
  type BrickRequest,
  type Procedure,
  barrierRequest,
  brickOperation,
  terminateRequest,
} from "@mortar/gluster";
import { RecordDecoder, decodeReply, encodeCall, encodeCredential } from "@mortar/rpc";
import { BrickError, type BrickErrorCode } from "./brick-error.ts";

const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

const credential = encodeCredential({
  kind: "gluster2",
  pid: 0,
  uid: 0,
  gid: 0,
  groups: [],
  lockOwner: new Uint8Array(4),
});

export interface BrickAddress {
  readonly socket: string;
  /** `HOST:/path`, for messages. */
  readonly name: string;
  readonly timeoutMs: number;
}

/** Holds back the acknowledgements of a brick, or lets them go. Throws `BrickError`. */
export async function setBarrier(
  brick: BrickAddress,
  path: string,
  enable: boolean,
): Promise<void> {
  const request = barrierRequest(path, enable);
  const reply = await exchange(brick, brickOperation.brickBarrier, request);
  if (reply.opRet === 0) return;
  const word = enable ? "barred" : "released";
  const reason = reply.opErrstr === "" ? `errno ${reply.opErrno}` : reply.opErrstr;
  throw new BrickError("refused", `The brick ${brick.name} was not ${word}: ${reason}`);
}

/**
 * Lets the acknowledgements of a brick go. Returns whether they were held back until now.
 *
 * A stock brick refuses to release what it does not hold (a barrier ends by itself after
 * `features.barrier-timeout`, and a daemon that died may not have come to set it), and says no more
 * than that it failed. So a refusal is tested: who can set the barrier and release it again had
 * none before. Throws `BrickError` when the brick may still hold something back.
 */
export async function releaseBarrier(brick: BrickAddress, path: string): Promise<boolean> {
  try {
    await setBarrier(brick, path, false);
    return true;
  } catch (error) {
    if (!(error instanceof BrickError) || error.code !== "refused") throw error;
  }
  await setBarrier(brick, path, true);
  await setBarrier(brick, path, false);
  return false;
}

/**
 * Asks the brick server to end; it closes its connections in order. It may be gone before its
 * reply is sent: a lost connection is an answer, too. Whether the process ends is the caller's to
 * see. Throws `BrickError` when the request cannot have arrived, or is not answered in time.
 */
export async function terminate(brick: BrickAddress, path: string): Promise<void> {
  try {
    await exchange(brick, brickOperation.terminate, terminateRequest(path));
  } catch (error) {
    if (!(error instanceof BrickError) || error.code !== "connection-lost") throw error;
  }
}

/** Asks once; the answer may be a refusal. Throws `BrickError` when none comes. */
export function exchange(
  brick: BrickAddress,
  procedure: Procedure<BrickRequest, BrickReply>,
  request: BrickRequest,
): Promise<BrickReply> {
  return new Promise((resolve, reject) => {
    const socket: Socket = createConnection(brick.socket);
    const decoder = new RecordDecoder({ recordBytesMax: ANSWER_BYTES_MAX });
    const finish = (error: Error | undefined, reply?: BrickReply) => {
      clearTimeout(timer);
      socket.destroy();
      if (reply === undefined) reject(error ?? new Error("no reply"));
      else resolve(reply);
    };
    let connected = false;
    const failed = (reason: string, code: BrickErrorCode = "operation-failed") =>
      finish(
        new BrickError(
          code,
          `The brick ${brick.name} does not answer on its socket: ${reason}`,
          { nextStep: "Look at `mortar volume status` and at the brick's log" },
        ),
      );
    const timer = setTimeout(() => {
      const text = `The brick ${brick.name} did not answer ${procedure.name} in time`;
      finish(new BrickError("operation-timeout", text));
    }, brick.timeoutMs);
    const { number: program, version } = procedure.program;
    const target = { xid: 1, program, version, procedure: procedure.number };
    const lost = () => (connected ? "connection-lost" : "operation-failed");
    socket.on("connect", () => (connected = true));
    socket.on("error", (error) => failed(error.message, lost()));
    socket.on("close", () => failed("it closed the connection", lost()));
    socket.on("data", (chunk) => {
      try {
        const [record] = decoder.push(new Uint8Array(chunk));
        if (record === undefined) return;
        const outcome = decodeReply(record);
        if (outcome.kind !== "success") failed(outcome.kind);
        else finish(undefined, procedure.decodeReply(outcome.results));
      } catch (error) {
        failed((error as Error).message);
      }
    });
    socket.write(encodeCall(target, credential, procedure.encodeRequest(request)));
  });
}
