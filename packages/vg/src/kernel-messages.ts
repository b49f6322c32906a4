/**
 * LVM's messages to a thin pool of the kernel.
 *
 *     create_thin ID | create_snap ID ORIGIN | delete ID       commits
 *     set_transaction_id N N+1                                 commits
 *
 * The kernel needs these two orders where LVM's text has one step. Whoever dies between them leaves
 * the device there, or gone, under the old id: the order is given again then, and "exists" or "no
 * such device" is its success. A refusal of the second undoes the first where that can be undone;
 * a deletion cannot, and the text keeps its message then.
 */
import type { ThinPoolStatus } from "@mortar/dm";
import { isErrno } from "@mortar/linux";
import { PoolError, type PoolErrorCode, type PoolMessage } from "@mortar/pool";
import { VgError } from "./vg-error.ts";

/** The kernel's side of one pool. */
export interface ThinPoolOrders {
  status(): Promise<Pick<ThinPoolStatus, "transactionId" | "mode" | "needsCheck">>;
  /** Rejects with the kernel's errno. */
  order(words: string): Promise<void>;
}

export interface MessageRequest {
  readonly messages: readonly PoolMessage[];
  /** The pool's id afterwards. */
  readonly transactionId: number;
}

/**
 * Throws PoolError when nothing was done, a VgError when something stays done that the text has to
 * go on promising.
 */
export async function performMessages(
  pool: ThinPoolOrders,
  name: string,
  { messages, transactionId }: MessageRequest,
): Promise<"done" | "unchanged"> {
  const status = await pool.status();
  if (status.transactionId === transactionId) return "unchanged";
  if (status.transactionId !== transactionId - 1) {
    throw new PoolError(
      "transaction-mismatch",
      `transaction_id is ${status.transactionId}, while expected ${transactionId - 1}`,
    );
  }
  if (status.mode === "fail") throw new PoolError("corrupt", "the kernel gave its metadata up");
  if (status.needsCheck) throw new PoolError("needs-check", "its metadata needs a check");
  if (status.mode === "ro") throw new PoolError("read-only", "its metadata is read-only");
  const done: PoolMessage[] = [];
  try {
    for (const message of messages) if (await send(pool, message)) done.push(message);
    await give(pool, `set_transaction_id ${transactionId - 1} ${transactionId}`);
  } catch (error) {
    await undo(pool, name, done, error);
    throw error;
  }
  return "done";
}

/** False when an earlier command got as far as this. */
async function send(pool: ThinPoolOrders, message: PoolMessage): Promise<boolean> {
  const expected = message.kind === "delete" ? "ENODATA" : "EEXIST";
  try {
    await give(pool, wordsOf(message));
    return true;
  } catch (error) {
    if (error instanceof PoolError && isErrno(error.cause, expected)) return false;
    throw error;
  }
}

async function undo(
  pool: ThinPoolOrders,
  name: string,
  done: readonly PoolMessage[],
  cause: unknown,
): Promise<void> {
  for (const message of done) {
    try {
      if (message.kind === "delete") throw cause;
      await give(pool, `delete ${message.deviceId}`);
    } catch {
      const sentence = `Thin pool ${name}: ${reasonOf(cause)}. The next command goes on.`;
      // A PoolError as the cause would say that nothing was done.
      const root = cause instanceof PoolError ? cause.cause : cause;
      throw new VgError("pool-failed", sentence, { cause: root });
    }
  }
}

async function give(pool: ThinPoolOrders, words: string): Promise<void> {
  try {
    await pool.order(words);
  } catch (error) {
    const sentence = `${words} is refused by the kernel: ${reasonOf(error)}`;
    throw new PoolError(codeOf(error), sentence, { cause: error });
  }
}

function wordsOf(message: PoolMessage): string {
  switch (message.kind) {
    case "create":
      return `create_thin ${message.deviceId}`;
    case "snapshot":
      return `create_snap ${message.deviceId} ${message.originId}`;
    case "delete":
    default:
      return `delete ${message.deviceId}`;
  }
}

const CODES: readonly (readonly [errno: string, code: PoolErrorCode])[] = [
  ["EEXIST", "exists"],
  ["ENODATA", "not-found"],
  ["EBUSY", "busy"],
  ["ENOSPC", "metadata-full"],
  ["EOPNOTSUPP", "read-only"],
  ["ENOTSUP", "read-only"],
  ["EINVAL", "bad-request"],
];

function codeOf(error: unknown): PoolErrorCode {
  return CODES.find(([errno]) => isErrno(error, errno))?.[1] ?? "device-error";
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
