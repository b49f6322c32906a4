/** `volume top` and `volume clear-locks`: what bricks are asked about single files. */
import { brickName, volumeBrickRef } from "../bricks/brick.ts";
import type { BrickSpeed, BrickTop, ClearedLocks, LockChoice, SpeedTrial } from "../bricks/brick-top.ts";
import type { Step } from "../command.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, detailOf, errno, stepsFailed } from "../failure.ts";
import { attemptAll, type CommandContext, errorsOf } from "../steps.ts";
import { text } from "../stock-text.ts";
import { findVolume } from "./volume-run.ts";

export interface VolumeTopArgs {
  readonly volume: string;
  /** `HOST:/path`; default: all. */
  readonly brick?: string;
  /** The counts begin anew. */
  readonly clear?: boolean;
  readonly trial?: SpeedTrial;
}

export interface VolumeTopReport {
  name: string;
  bricks: { host: string; path: string; top?: BrickTop; speed?: BrickSpeed }[];
}

export interface ClearLocksReport {
  name: string;
  bricks: { host: string; path: string; blocked: number; granted: number }[];
}

export function* volumeTop(context: CommandContext, args: VolumeTopArgs): Step<VolumeTopReport> {
  const volume = findVolume(context, args.volume);
  const { name } = volume;
  if (volume.status !== "Started") throw refused(text.volumeNotStartedDot(name));
  const bricks = volume.bricks.filter(
    (it) => args.brick === undefined || brickName(it) === args.brick,
  );
  if (bricks.length === 0) throw refused(text.brickIncorrect(args.brick ?? "", name));
  const asked = (question: "top" | "top-clear" | "speed") =>
    attemptAll(bricks.map((brick): NodeEffect<"askBrick"> => ({
      kind: "askBrick", node: brick.node, brick: volumeBrickRef(volume, brick), question,
      ...(question === "speed" && args.trial !== undefined ? { trial: args.trial } : {}),
    })));
  const outcomes = yield* asked(args.clear === true ? "top-clear" : "top");
  const speeds = args.trial === undefined ? [] : yield* asked("speed");
  const errors = errorsOf([...outcomes, ...speeds]);
  if (errorsOf(outcomes).length === bricks.length) throw stepsFailed(errors);
  context.details.push(...errors.map(detailOf));
  return {
    name,
    bricks: bricks.flatMap(({ host, path }, index) => {
      const outcome = outcomes[index];
      const speed = speeds[index];
      if (outcome?.ok !== true) return [];
      return [{
        host, path,
        ...(args.clear === true ? {} : { top: outcome.value as BrickTop }),
        ...(speed?.ok === true ? { speed: speed.value as BrickSpeed } : {}),
      }];
    }),
  };
}

/** A brick without the file has none of its locks. */
export function* volumeClearLocks(
  context: CommandContext,
  args: { readonly volume: string; readonly locks: LockChoice },
): Step<ClearLocksReport> {
  const volume = findVolume(context, args.volume);
  const { name } = volume;
  if (volume.status !== "Started") throw refused("Couldn't get port numbers of local bricks");
  const outcomes = yield* attemptAll(
    volume.bricks.map((brick): NodeEffect<"askBrick"> => ({
      kind: "askBrick", node: brick.node, brick: volumeBrickRef(volume, brick),
      question: "clear-locks", locks: args.locks,
    })),
  );
  const errors = errorsOf(outcomes);
  if (errors.length === outcomes.length) throw stepsFailed(errors);
  context.details.push(...errors.map(detailOf));
  const bricks = volume.bricks.flatMap(({ host, path }, index) => {
    const outcome = outcomes[index];
    const cleared = outcome?.ok === true ? (outcome.value as ClearedLocks | null) : null;
    return cleared === null ? [] : [{ host, path, ...cleared }];
  });
  if (bricks.length === 0 && errors.length === 0) throw refused(text.clearLocksNoFile());
  return { name, bricks };
}

function refused(message: string): CommandFailure {
  return new CommandFailure("volume-not-started", errno.EG_INTRNL, message);
}
