export { PAGE_BYTES, REPLY_POSITION, REQUEST_POSITION } from "./channel.ts";
export type { FuseChannel } from "./channel.ts";
export { Errno } from "./errno.ts";
export type { FlatFiles } from "./flat-files.ts";
export { FILE_NODE_MIN } from "./layouts.ts";
export * as layouts from "./layouts.ts";
export { FuseSession, wake, WAKE_NAME } from "./session.ts";
export type { Negotiated, Served, SessionOptions } from "./session.ts";
