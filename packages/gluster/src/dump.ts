/** GF-DUMP: what a listener serves, and whether it is alive. Every listener answers it. */

import { xdr } from "@mortar/binary";
import { nothing, procedure } from "./procedure.ts";
import { PROGRAM } from "./program.ts";

const result = { opRet: xdr.i32, opErrno: xdr.i32 } as const;

const programEntry = xdr.record({ name: xdr.text, number: xdr.u64, version: xdr.u64 });

/**
 * `programs` decides how a client goes on: with the portmap program in it, the client asks for the
 * brick's port and connects anew; without it, it takes this connection for the brick's.
 */
export const dump = procedure(
  PROGRAM.dump,
  1,
  "DUMP",
  xdr.record({ id: xdr.u64Halves }),
  xdr.record({ id: xdr.u64Halves, ...result, programs: xdr.chain(programEntry) }),
);

/** Clients send it right behind DUMP, before they have introduced themselves: always answer. */
export const ping = procedure(
  PROGRAM.dump,
  2,
  "PING",
  nothing,
  xdr.record({ ...result, extra: xdr.opaque }),
);

/** The same answer under the handshake program's number, for old clients. */
export const handshakePing = procedure(
  PROGRAM.handshake,
  3,
  "PING",
  nothing,
  xdr.record({ ...result, extra: xdr.opaque }),
);
