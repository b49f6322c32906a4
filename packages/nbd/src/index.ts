export { BASE_ALLOCATION, CONTEXT_MAX } from "./contexts.ts";
export { PARKED, PENDING } from "./export-face.ts";
export type { NbdContext, NbdExport, NbdExports } from "./export-face.ts";
export { NbdError } from "./layouts.ts";
export { BUFFER_BYTES_MIN, NbdSession } from "./session.ts";
export type { Processed } from "./session.ts";
export { GREETING_BYTES, TlsFront } from "./tls-front.ts";
export type { FrontState } from "./tls-front.ts";
