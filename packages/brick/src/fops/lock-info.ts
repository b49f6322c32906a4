/**
 * The graph of a volume was changed: its clients open what they have open again, over new
 * connections, and take the locks along. Of the old descriptor they get the attribute below,
 * which they set on the new one:
 *
 *     trusted.glusterfs.lockinfo = dictionary { "<POSIX(BRICK):HOST": the descriptor in decimal }
 *
 * On a volume of several bricks the dictionary has a key of each. An empty one: there are no locks.
 */
import { Dictionary, GlusterError, typed } from "@mortar/gluster";
import type { TypedDictionary, TypedValue } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import { Errno } from "../store/errno.ts";
import { serverOf } from "./virtual-xattr.ts";

export const LOCK_INFO = "trusted.glusterfs.lockinfo";
const DECIMAL = /^\d{1,16}$/;

/** What a descriptor of the client tells; undefined: no lock came through it. */
export function lockInfo(brick: Brick, client: Client, fd: number): TypedValue | undefined {
  const file = client.file(fd);
  if (file === undefined) return undefined;
  const { posix } = brick.locks;
  if (!posix.some(file.inode.words, 0, (lock) => lock.descriptor === file.id)) return undefined;
  return typed.bytes(Dictionary.of({ [serverOf(brick)]: String(file.id) }).encode());
}

/** 0, or an errno. */
export function takeLockInfo(
  brick: Brick, client: Client, fd: number, dictionary: TypedDictionary,
): number {
  const told = dictionary.get(LOCK_INFO)?.value;
  const file = client.file(fd);
  if (!(told instanceof Uint8Array) || file === undefined) return 0;
  let descriptor: string | undefined;
  try {
    descriptor = Dictionary.decode(told).text(serverOf(brick));
  } catch (error) {
    if (error instanceof GlusterError) return Errno.EINVAL;
    throw error;
  }
  if (descriptor === undefined || !DECIMAL.test(descriptor) || Number(descriptor) === 0) return 0;
  brick.locks.introduce(client);
  brick.locks.posix.migrate(file.inode.words, 0, Number(descriptor), {
    client: client.id, descriptor: file.id,
  });
  return 0;
}
