/** Portmap: which TCP port a brick listens on. The management daemon serves it. */

import { xdr } from "@mortar/binary";
import { procedure } from "./procedure.ts";
import { PROGRAM } from "./program.ts";

const result = { opRet: xdr.i32, opErrno: xdr.i32 } as const;

/** `brick` is the client's remote-subvolume, that is the brick's path. Unknown: opRet -1. */
export const portByBrick = procedure(
  PROGRAM.portmap,
  1,
  "PORTBYBRICK",
  xdr.record({ brick: xdr.text }),
  xdr.record({ ...result, status: xdr.i32, port: xdr.i32 }),
);

export const brickByPort = procedure(
  PROGRAM.portmap,
  2,
  "BRICKBYPORT",
  xdr.record({ port: xdr.i32 }),
  xdr.record({ ...result, status: xdr.i32, brick: xdr.text }),
);

/** A brick process came up. It becomes a daemon only after this succeeded. */
export const signIn = procedure(
  PROGRAM.portmap,
  4,
  "SIGNIN",
  xdr.record({ brick: xdr.text, port: xdr.i32, pid: xdr.i32 }),
  xdr.record(result),
);

export const signOut = procedure(
  PROGRAM.portmap,
  5,
  "SIGNOUT",
  xdr.record({ brick: xdr.text, port: xdr.i32, rdmaPort: xdr.i32 }),
  xdr.record(result),
);
