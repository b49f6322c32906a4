import type { Brick } from "../brick.ts";
import type { Client } from "../server/client.ts";
import type { Call } from "../wire/call.ts";
import type { Out } from "../wire/out.ts";

/** The reply is written. */
export const DONE = 0;
/** A worker was given what the request would wait for: it is called again when that is done. */
export const LATER = -1;
/** The reply is written, and a flush was started: it is sent when that has succeeded. */
export const SYNCING = -3;
/** Whoever keeps the request answers it. */
export const HELD = -2;

/**
 * Serves one request: the arguments are at the cursor of `call`, the results go to `out`. Gives
 * DONE, LATER, SYNCING, HELD, or an errno, which makes a reply of the fop's size with op_ret -1. Throws
 * Malformed.
 */
export type Handler = (brick: Brick, client: Client, call: Call, out: Out) => number;
