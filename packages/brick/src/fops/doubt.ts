/** Names of which a client of copies may think otherwise than this brick: see seen-names.ts. */
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import { Errno } from "../store/errno.ts";
import type { Call } from "../wire/call.ts";

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
