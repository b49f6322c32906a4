import type { Procedure } from "@mortar/gluster";
import { NO_DICTIONARY } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import type { Call } from "../wire/call.ts";
import { DONE } from "./handler.ts";
import type { Handler } from "./handler.ts";

/** What every reply begins with. */
export const OK = { opRet: 0, opErrno: 0, xdata: NO_DICTIONARY } as const;

/**
 * A handler of a rare fop, by its declared layout: `serve` gives the reply, or an errno. What the
 * layout refuses is a GlusterError.
 */
export function declared<Q, R>(
  procedure: Procedure<Q, R>,
  serve: (brick: Brick, request: Q, call: Call, client: Client) => R | number,
): Handler {
  return (brick, client, call, out) => {
    const request = procedure.decodeRequest(call.rest());
    const reply = serve(brick, request, call, client);
    if (typeof reply === "number") return reply;
    out.raw(withoutEmptyXdata(procedure.encodeReply(reply)));
    return DONE;
  };
}

/** Behind op_ret and op_errno: size and count of xdata. */
const XDATA_COUNT_AT = 12;

/** Says "none" where xdata is empty: see Out.noDictionary. In place. */
export function withoutEmptyXdata(results: Uint8Array): Uint8Array {
  const view = new DataView(results.buffer, results.byteOffset, results.length);
  if (view.getInt32(XDATA_COUNT_AT, false) === 0) view.setInt32(XDATA_COUNT_AT, -1, false);
  return results;
}
