export { askBrick, brickStatus, startBrick } from "./start.ts";
export type { StartedBrick } from "./start.ts";
export { checkSpec } from "./spec.ts";
export type { BrickAuthentication, BrickOptions, BrickSpec } from "./spec.ts";
export type { BrickStatus } from "./server/control-answers.ts";
