/** Names of which a client of copies may think otherwise than this brick: see seen-names.ts. */
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import { Errno } from "../store/errno.ts";
import type { Call } from "../wire/call.ts";

/** Of whatever heals, the client's own healing too. */
export const PID_SELF_HEAL = -6;

/** The others may have changed while the client was away from this brick. Healing compares them. */
export function mayBeBehind(client: Client, call: Call): boolean {
  return client.cameBack && client.keepsCopies && call.pid >= 0;
}

export const isMissing = (status: number): boolean =>
  status === Errno.ENOENT || status === Errno.ESTALE;

/** The others may have under this name what is not here. `parent` negative: it is not here either. */
export function doubtName(
  brick: Brick, client: Client, call: Call, parent: number, name: number,
): void {
  if (parent >= 0 && mayBeBehind(client, call)) brick.seenNames.doubt(brick.objects, parent, name);
}

/**
 * The answer to a removal that failed with `errno`. Of a directory that still has names here, AFR
 * takes ENOTEMPTY for the truth: a copy that says so is not marked, also when the others have
 * removed the directory, and so it would stay here for good once their names are gone from it.
 * While this copy may lack removals it says EEXIST, which POSIX has for the same: AFR marks it then,
 * and healing removes the directory. Where no copy has it empty, the program gets either.
 *
 * Disperse takes any answer that differs from most for a failed one, and needs nothing of this.
 */
export function notEmptyHere(brick: Brick, client: Client, call: Call, errno: number): number {
  if (errno !== Errno.ENOTEMPTY || !client.replicates || call.pid < 0) return errno;
  return brick.catchingUp.isPossible() ? Errno.EEXIST : errno;
}
