/** `volume profile`, `statedump`, `log rotate`, `barrier`: what the bricks of a volume are asked. */
import { parseBoolean } from "@mortar/gluster";
import { brickName, volumeBrickRef } from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import type {
  VolumeFiles,
  VolumeProfileArgs,
  VolumeProfileReport,
  VolumeRef,
} from "./volume-command.ts";
import type { BrickProfile, BrickQuestion } from "../bricks/brick-effects.ts";
import type { NodeEffect } from "../effect.ts";
import { CommandFailure, detailOf, errno, stepsFailed } from "../failure.ts";
import { changeOf } from "../key-space.ts";
import type { BrickDocument, OptionSetting, VolumeDocument } from "../state.ts";
import { attemptAll, commit, type CommandContext, errorsOf, performAll } from "../steps.ts";
import { text } from "../stock-text.ts";
import { STATEDUMP_PATH } from "./volume-options.ts";
import { changed, findVolume, openVolume } from "./volume-run.ts";

/** A volume is being profiled when both are on; bricks of Mortar count at any time. */
const PROFILING = ["diagnostics.count-fop-hits", "diagnostics.latency-measurement"];
const BARRIER_MS = 120_000;

export function* volumeProfile(
  context: CommandContext,
  args: VolumeProfileArgs,
): Step<VolumeProfileReport> {
  const volume = yield* openVolume(context, args.volume);
  const { name } = volume;
  const isOn = PROFILING.every((option) => {
    const value = volume.options.find((it) => it.name === option)?.value;
    return parseBoolean(value ?? "off") === true;
  });
  if (args.action === "start") {
    if (isOn) throw refused(text.profileStartedAlready(name));
    yield* setProfiling(context, volume, true);
    if (volume.status === "Started") yield* ask(context, volume, "profile-clear");
    return { name, bricks: [] };
  }
  if (!isOn) throw refused(text.profileNotStarted(name));
  if (args.action === "stop") {
    yield* setProfiling(context, volume, false);
    return { name, bricks: [] };
  }
  if (volume.status !== "Started") throw refused(text.volumeNotStartedDot(name));
  if (args.part === "clear") {
    yield* ask(context, volume, "profile-clear");
    return { name, bricks: volume.bricks.map(({ host, path }) => ({ host, path })) };
  }
  const answers = yield* ask(context, volume, "profile");
  if (args.part !== "cumulative" && args.peek !== true) {
    yield* ask(context, volume, "profile-next");
  }
  return {
    name,
    bricks: answers.map(({ brick: { host, path }, answer }) => ({
      host, path, profile: answer as BrickProfile,
    })),
  };
}

function* setProfiling(
  context: CommandContext,
  volume: VolumeDocument,
  isOn: boolean,
): Step<void> {
  const others = volume.options.filter((it) => !PROFILING.includes(it.name));
  const own: OptionSetting[] = isOn ? PROFILING.map((name) => ({ name, value: "on" })) : [];
  const options = [...own, ...others];
  yield* commit(context, [changeOf.volume(context.state, changed(volume, { options }))]);
  if (volume.status !== "Started") return;
  const told = yield* attemptAll([{ kind: "volfileChanged", volumes: [volume.name] }]);
  context.details.push(...errorsOf(told).map(detailOf));
}

export function* volumeStatedump(
  context: CommandContext,
  args: { readonly volume: string },
): Step<VolumeFiles> {
  const volume = findVolume(context, args.volume);
  if (volume.status !== "Started") throw refused(text.volumeNotInStartedState(volume.name));
  const directory = volume.options.find((it) => it.name === STATEDUMP_PATH)?.value;
  const where = directory === undefined ? {} : { directory };
  return filesOf(volume, yield* ask(context, volume, "statedump", where));
}

export function* volumeLogRotate(
  context: CommandContext,
  args: { readonly volume: string; readonly brick?: string },
): Step<VolumeFiles> {
  const volume = findVolume(context, args.volume);
  if (volume.status !== "Started") throw refused(text.logRotateNotStarted(volume.name));
  const bricks = volume.bricks.filter(
    (it) => args.brick === undefined || brickName(it) === args.brick,
  );
  if (bricks.length === 0) throw refused(text.brickIncorrect(args.brick ?? "", volume.name));
  return filesOf(volume, yield* ask(context, { ...volume, bricks }, "log-rotate"));
}

/** Idempotent. A barrier that nobody disables ends by itself. */
export function* volumeBarrier(
  context: CommandContext,
  args: { readonly volume: string; readonly enable: boolean },
): Step<VolumeRef> {
  const volume = yield* openVolume(context, args.volume);
  const { name, id, bricks } = volume;
  if (volume.status !== "Started") throw refused(text.volumeNotStarted(name));
  const refOf = (brick: BrickDocument) => ({
    node: brick.node, brick: volumeBrickRef(volume, brick),
  });
  if (!args.enable) {
    yield* performAll(
      bricks.map((it): NodeEffect<"barrierOff"> => ({ kind: "barrierOff", ...refOf(it) })),
    );
    return { name, id };
  }
  const raised = yield* attemptAll(
    bricks.map((it): NodeEffect<"barrierOn"> => ({
      kind: "barrierOn", ...refOf(it), watchdogMs: BARRIER_MS,
    })),
  );
  const errors = errorsOf(raised);
  if (errors.length === 0) return { name, id };
  yield* attemptAll(
    bricks.map((it): NodeEffect<"barrierOff"> => ({ kind: "barrierOff", ...refOf(it) })),
  );
  throw stepsFailed(errors);
}

interface Answered {
  readonly brick: BrickDocument;
  readonly answer: unknown;
}

/** Bricks that do not answer are told of, and left out; it fails when none does. */
function* ask(
  context: CommandContext,
  volume: VolumeDocument,
  question: BrickQuestion,
  where: { readonly directory?: string } = {},
): Step<Answered[]> {
  const outcomes = yield* attemptAll(
    volume.bricks.map((brick): NodeEffect<"askBrick"> => ({
      kind: "askBrick", node: brick.node, brick: volumeBrickRef(volume, brick), question, ...where,
    })),
  );
  const errors = errorsOf(outcomes);
  if (errors.length === outcomes.length) throw stepsFailed(errors);
  context.details.push(...errors.map(detailOf));
  return volume.bricks.flatMap((brick, index) => {
    const outcome = outcomes[index];
    return outcome?.ok === true ? [{ brick, answer: outcome.value }] : [];
  });
}

function filesOf(volume: VolumeDocument, answers: readonly Answered[]): VolumeFiles {
  const files = answers.map(({ brick, answer }) => ({ host: brick.host, file: String(answer) }));
  return { name: volume.name, files };
}

function refused(message: string): CommandFailure {
  return new CommandFailure("volume-not-started", errno.EG_INTRNL, message);
}
