/**
 * Other options for a brick that runs. What cannot be changed while it runs stays as it is, and is
 * told, so that its owner can start it again at a time of its choosing.
 */
import { chownSync } from "node:fs";
import type { Brick } from "./brick.ts";
import { changedOptions, completeOptions } from "./options.ts";
import type { BrickOptions } from "./options.ts";
import type { BrickServer } from "./server/brick-server.ts";
import type { Dispatcher } from "./server/dispatch.ts";
import type { BrickSpec } from "./spec.ts";
import { NEEDS_RESTART } from "./volfile-options.ts";
import { specOfVolfile } from "./volfile-spec.ts";

export interface Reconfigured {
  /** Members of BrickOptions, and "authentication". */
  readonly changed: readonly string[];
  readonly needsRestart: readonly string[];
}

const IDENTITY = ["path", "volume", "volumeId", "exportName"] as const;

/** Throws what specOfVolfile throws; nothing is changed then. */
export function reconfigure(
  brick: Brick, dispatcher: Dispatcher, server: BrickServer, volfile: string,
): Reconfigured {
  const { spec: before } = brick;
  const { nodeUuid, hostname } = brick.options;
  const next = specOfVolfile(volfile, { controlSocket: before.controlSocket, nodeUuid, hostname });
  const options = completeOptions(next.options);
  const differing = changedOptions(brick.options, options);
  const needsRestart: string[] = differing.filter((member) => NEEDS_RESTART.has(member));
  for (const member of IDENTITY) {
    const old = member === "exportName" ? (before.exportName ?? before.path) : before[member];
    if (next[member] !== old) needsRestart.push(member);
  }
  const live = differing.filter((member) => !NEEDS_RESTART.has(member));
  const changed: string[] = [...live];
  if (JSON.stringify(next.authentication) !== JSON.stringify(before.authentication)) {
    changed.push("authentication");
  }
  adopt(brick, next, options, live);
  takeEffect(brick, dispatcher, live);
  server.retune();
  if (changed.includes("authentication") && brick.options.dynamicAuthentication) {
    server.admitAnew();
  }
  return { changed, needsRestart };
}

function adopt(
  brick: Brick, next: BrickSpec, options: BrickOptions, live: readonly (keyof BrickOptions)[],
): void {
  Object.assign(brick.options, Object.fromEntries(live.map((each) => [each, options[each]])));
  const { authentication } = next;
  brick.spec = {
    ...brick.spec, options: brick.options,
    ...(authentication === undefined ? {} : { authentication }),
  };
}

function takeEffect(
  brick: Brick, dispatcher: Dispatcher, live: readonly (keyof BrickOptions)[],
): void {
  const { options } = brick;
  brick.refreshOptions();
  dispatcher.rules.refresh();
  if (live.includes("keepsTimes")) brick.objects.forgetTimes();
  if (live.includes("ownerUid") || live.includes("ownerGid")) setOwner(brick.spec.path, options);
}

/** `storage.owner-uid` and `storage.owner-gid`: of the root of the brick. */
export function setOwner(path: string, options: BrickOptions): void {
  if (options.ownerUid >= 0 || options.ownerGid >= 0) {
    chownSync(path, options.ownerUid, options.ownerGid);
  }
}
