/** `volume set`, `get`, `reset`, `set help`, over the option table of GlusterFS. */
import {
  effectiveOption,
  effectiveOptions,
  findOption,
  GlusterError,
  initialOptions,
  requireOption,
  validateOption,
  type VolumeOption,
  volumeOptions,
} from "@mortar/gluster";
import { volumeBrickRef } from "../bricks/brick.ts";
import type { Step } from "../command.ts";
import type { OptionHelp, OptionValue, VolumeRef } from "./volume-command.ts";
import type { NodeEffect, NodeEffectResult } from "../effect.ts";
import { CommandFailure, detailOf, errno } from "../failure.ts";
import { changeOf } from "../key-space.ts";
import { type OptionSetting, SCHEMA, type VolumeDocument } from "../state.ts";
import { attemptAll, commit, type CommandContext, errorsOf, event } from "../steps.ts";
import { text } from "../stock-text.ts";
import { changed, findVolume, openVolume } from "./volume-run.ts";
import { brickEngineOf, describeVolume } from "./volfile-request.ts";

/** The name that stands for the options of the whole cluster. */
const ALL = "all";
/** Switched by `volume heal`, which looks whether anything is to be healed. */
const GRANULAR = "cluster.granular-entry-heal";
/** The bricks' nodes must have that directory. */
export const STATEDUMP_PATH = "server.statedump-path";

interface SetArgs {
  readonly volume: string;
  readonly options: readonly OptionSetting[];
}

/** Either all of the options are set or none. */
export function* volumeOptionSet(context: CommandContext, args: SetArgs): Step<VolumeRef> {
  if (args.options.length === 0) throw refused("bad-argument", "Give an option and its value.");
  if (args.volume === ALL) return yield* setClusterOptions(context, args.options);
  const volume = yield* openVolume(context, args.volume);
  const isNew = volume.status === "Created";
  if (!isNew && args.options.some((it) => findOption(it.name).name === GRANULAR)) {
    throw refused("option-refused", text.granularBySet());
  }
  yield* putOptions(context, volume, args.options);
  yield* event("VOLUME_SET", { name: volume.name });
  return { name: volume.name, id: volume.id };
}

/** Checks them all, then commits them, and tells who has to know. */
export function* putOptions(
  context: CommandContext,
  volume: VolumeDocument,
  given: readonly OptionSetting[],
): Step<void> {
  const description = describeVolume(volume);
  const settings = given.map(({ name, value }) => {
    const found = accepted(() => requireOption(name));
    if (found.kind === "known") accepted(() => validateOption(found.option, value, description));
    return { name: found.name, value };
  });
  for (const { value } of settings.filter((it) => it.name === STATEDUMP_PATH)) {
    yield* checkDirectory(volume, value);
  }
  yield* commitOptions(context, volume, withSettings(volume.options, settings));
}

/** A node that does not answer has no say. */
function* checkDirectory(volume: VolumeDocument, path: string): Step<void> {
  const nodes = [...new Set(volume.bricks.map((it) => it.node))];
  const found = yield* attemptAll(
    nodes.map((node): NodeEffect<"inspectBrick"> => ({ kind: "inspectBrick", node, path })),
  );
  const isMissing = found.some((outcome) =>
    outcome.ok && !(outcome.value as NodeEffectResult<"inspectBrick">).isDirectory);
  if (isMissing) throw refused("option-refused", text.notADirectory(path));
}

function* setClusterOptions(
  context: CommandContext,
  settings: readonly OptionSetting[],
): Step<VolumeRef> {
  const checked = settings.map(({ name, value }) => {
    const found = accepted(() => requireOption(name));
    if (found.kind !== "known" || !found.option.clusterWide) {
      throw refused("option-refused", "Not a valid option for all volumes");
    }
    const { option } = found;
    accepted(() => validateOption({ ...option, clusterWide: false }, value));
    return { name: found.name, value };
  });
  const options = withSettings(context.state.clusterConfig?.document.options ?? [], checked);
  yield* commit(context, [changeOf.clusterConfig(context.state, { schema: SCHEMA, options })]);
  yield* tellClients(context, [...context.state.volumes.keys()]);
  return { name: ALL, id: "" };
}

/** The newest first, as stock's dictionary has them; one that is set keeps its place. */
function withSettings(
  options: readonly OptionSetting[],
  settings: readonly OptionSetting[],
): OptionSetting[] {
  let result = [...options];
  for (const setting of settings) {
    const at = result.findIndex((it) => it.name === setting.name);
    if (at < 0) result = [setting, ...result];
    else result[at] = setting;
  }
  return result;
}

function* commitOptions(
  context: CommandContext,
  volume: VolumeDocument,
  options: readonly OptionSetting[],
): Step<void> {
  yield* commit(context, [changeOf.volume(context.state, changed(volume, { options }))]);
  if (volume.status !== "Started") return;
  yield* tellClients(context, [volume.name]);
  yield* tellBricks(context, volume);
  const engine = (of: readonly OptionSetting[]) =>
    brickEngineOf(Object.fromEntries(of.map(({ name, value }) => [name, value])));
  if (engine(options) !== engine(volume.options)) {
    context.warnings.push(text.engineAfterStart(volume.name, engine(options)));
  }
}

/** Bricks that run take over what they can; what they cannot waits for their next start. */
function* tellBricks(context: CommandContext, volume: VolumeDocument): Step<void> {
  const outcomes = yield* attemptAll(
    volume.bricks.map(
      (brick): NodeEffect<"reconfigureBrick"> => ({
        kind: "reconfigureBrick",
        node: brick.node,
        brick: volumeBrickRef(volume, brick),
      }),
    ),
  );
  context.details.push(...errorsOf(outcomes).map(detailOf));
  const waiting = new Set<string>();
  for (const outcome of outcomes) {
    if (!outcome.ok) continue;
    const { afterRestart } = outcome.value as NodeEffectResult<"reconfigureBrick">;
    for (const name of afterRestart) waiting.add(name);
  }
  if (waiting.size > 0) {
    context.warnings.push(text.optionsAfterStart(volume.name, [...waiting]));
  }
}

/** The options are set; clients that are not told now learn of them when they connect again. */
function* tellClients(context: CommandContext, volumes: readonly string[]): Step<void> {
  if (volumes.length === 0) return;
  const errors = errorsOf(yield* attemptAll([{ kind: "volfileChanged", volumes }]));
  context.details.push(...errors.map(detailOf));
}

export function* volumeOptionGet(
  context: CommandContext,
  args: { readonly volume: string; readonly key?: string },
): Step<OptionValue[]> {
  yield* [];
  const { key } = args;
  const wanted = key === undefined || key === ALL ? undefined : key;
  if (args.volume === ALL) return clusterValues(context, wanted);
  const volume = findVolume(context, args.volume);
  const description = describeVolume(volume);
  if (wanted === undefined) return effectiveOptions(description).map(shown);
  const found = findOption(wanted);
  if (found.kind === "unknown") throw refused("option-unknown", optionNamed(wanted));
  if (found.kind === "known") return [shown(effectiveOption(description, found.option))];
  const value = volume.options.find((it) => it.name === wanted)?.value;
  if (value === undefined) throw refused("option-unknown", optionNamed(wanted));
  return [{ name: wanted, value }];
}

function optionNamed(key: string): string {
  return `Option with name: ${key} does not exist`;
}

function clusterValues(context: CommandContext, key: string | undefined): OptionValue[] {
  const set = context.state.clusterConfig?.document.options ?? [];
  const found = key === undefined ? undefined : findOption(key);
  const name = found?.kind === "known" ? found.option.name : key;
  const rows = volumeOptions.filter((it) => it.clusterWide && (name ?? it.name) === it.name);
  if (rows.length === 0) throw refused("option-unknown", optionNamed(key ?? ALL));
  return rows.map((row) => {
    const value = set.find((it) => it.name === row.name)?.value;
    return shown({ name: row.name, value: value ?? row.default, isDefault: value === undefined });
  });
}

/** As stock prints it. */
function shown(it: { name: string; value: string | undefined; isDefault: boolean }): OptionValue {
  const value = it.value ?? "(null)";
  return { name: it.name, value: it.isDefault ? `${value} (DEFAULT)` : value };
}

interface ResetArgs {
  readonly volume: string;
  readonly key?: string;
  readonly force?: boolean;
}

/** What a new volume has from the start comes back, as in stock. */
export function* volumeOptionReset(context: CommandContext, args: ResetArgs): Step<VolumeRef> {
  const key = args.key === ALL ? undefined : args.key;
  if (args.volume === ALL) return yield* resetClusterOptions(context, key);
  const volume = yield* openVolume(context, args.volume);
  const first = Object.entries(initialOptions(volume.kind)).map(([name, value]) => ({
    name,
    value,
  }));
  if (key === undefined) {
    yield* commitOptions(context, volume, first);
  } else {
    const name = resettable(volume, key);
    const initial = first.find((it) => it.name === name);
    const options = volume.options.flatMap((it) => {
      if (it.name !== name) return [it];
      return initial === undefined ? [] : [initial];
    });
    yield* commitOptions(context, volume, options);
  }
  yield* event("VOLUME_RESET", { name: volume.name });
  return { name: volume.name, id: volume.id };
}

function resettable(volume: VolumeDocument, key: string): string {
  const found = findOption(key);
  const isSet = volume.options.some((it) => it.name === found.name);
  if (found.kind === "unknown" && !isSet) {
    throw refused("option-unknown", `${text.optionMissing(key)}\nDid you mean ${found.hint}?`);
  }
  return found.name;
}

function* resetClusterOptions(context: CommandContext, key: string | undefined): Step<VolumeRef> {
  const former = context.state.clusterConfig?.document.options ?? [];
  if (key !== undefined && findOption(key).kind === "unknown") {
    throw refused("option-unknown", text.optionMissing(key));
  }
  const options = former.filter((it) => key !== undefined && it.name !== key);
  yield* commit(context, [changeOf.clusterConfig(context.state, { schema: SCHEMA, options })]);
  yield* tellClients(context, [...context.state.volumes.keys()]);
  return { name: ALL, id: "" };
}

export function* volumeOptionHelp(_context: CommandContext, _args: object): Step<OptionHelp[]> {
  yield* [];
  return volumeOptions.filter((it) => !it.hidden).map(helpOf);
}

function helpOf(option: VolumeOption): OptionHelp {
  return {
    name: option.name,
    defaultValue: option.default ?? "",
    description: `Option ${option.key} of ${option.translator}; values: ${option.rule}`,
  };
}

/** Refusals of the option table, in GlusterFS's words, are refusals of the command. */
function accepted<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof GlusterError)) throw error;
    const code = error.code === "unknown-option" ? "option-unknown" : "option-refused";
    throw refused(code, error.message);
  }
}

function refused(
  code: "option-unknown" | "option-refused" | "bad-argument",
  message: string,
): CommandFailure {
  return new CommandFailure(code, errno.EG_INTRNL, message);
}
