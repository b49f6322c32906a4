export { askBrick, BrickControlError, brickStatus } from "./control-client.ts";
export type { ControlErrorCode } from "./control-client.ts";
export { startBrick, startServer } from "./start.ts";
export type { StartedBrick } from "./start.ts";
export { checkSpec } from "./spec.ts";
export type { BrickAuthentication, BrickSpec, IgnoredOption } from "./spec.ts";
export type { BrickOptions, TlsOptions } from "./options.ts";
export { authenticationOf, specOfVolfile } from "./volfile-spec.ts";
export {
  dumpReply, handshakePingReply, introduce, lockVersionReply, pingReply,
} from "./server/handshake.ts";
export type { BrickPlace } from "./volfile-spec.ts";
export type { BrickStatus } from "./server/control-answers.ts";
export type { DrainReport } from "./services/lock-drain.ts";
export type { Reconfigured } from "./reconfigure.ts";
export type { CallReport, ClientReport, DescriptorReport } from "./server/reports.ts";
