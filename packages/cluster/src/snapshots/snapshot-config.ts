/** `snapshot config`: showing and setting limits and defaults. */
import { parseBoolean } from "@mortar/gluster";
import type { Step } from "../command.ts";
import type { SnapshotConfigReport } from "./snapshot-command.ts";
import { CommandFailure, errno } from "../failure.ts";
import { settleHolding } from "../intent.ts";
import { changeOf, keyOf } from "../key-space.ts";
import { limitsOf, snapshotSettings } from "./snapshot-find.ts";
import {
  type ClusterState,
  SCHEMA,
  type SnapshotConfigDocument,
  snapshotDefaults,
  type VolumeDocument,
} from "../state.ts";
import { commit, type CommandContext, event } from "../steps.ts";
import { text } from "../stock-text.ts";
import { changed } from "../volumes/volume-run.ts";

const SOFT_LIMIT_MAX = 100;

interface ConfigArgs {
  readonly volume?: string;
  readonly hardLimit?: number;
  readonly softLimitPercent?: number;
  readonly autoDelete?: string;
  readonly activateOnCreate?: string;
}

export function* snapshotConfigGet(
  context: CommandContext,
  args: { readonly volume?: string },
): Step<SnapshotConfigReport> {
  yield* [];
  return report(context, args.volume);
}

function report(context: CommandContext, volumeName: string | undefined): SnapshotConfigReport {
  const { state } = context;
  const volumes =
    volumeName === undefined
      ? [...state.volumes.values()].map((it) => it.document)
      : [configuredVolume(context, volumeName)];
  return {
    system: snapshotSettings(state),
    volumes: volumes
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((volume) => {
        const { hard, effectiveHard, effectiveSoft } = limitsOf(state, volume);
        return {
          name: volume.name,
          hardLimit: hard,
          effectiveHardLimit: effectiveHard,
          effectiveSoftLimit: effectiveSoft,
        };
      }),
  };
}

function configuredVolume(context: CommandContext, name: string): VolumeDocument {
  const volume = context.state.volumes.get(name)?.document;
  if (volume !== undefined) return volume;
  throw new CommandFailure("volume-missing", errno.EG_NOVOL, text.snapConfigVolumeMissing(name));
}

export function* snapshotConfigSet(
  context: CommandContext,
  args: ConfigArgs,
): Step<SnapshotConfigReport> {
  if (args.volume === undefined) yield* setSystem(context, args);
  else yield* setVolume(context, args.volume, args);
  yield* event("SNAPSHOT_CONFIG_UPDATED", { volume: args.volume ?? "System" });
  return report(context, args.volume);
}

function* setVolume(context: CommandContext, name: string, args: ConfigArgs): Step<void> {
  const { hardLimit } = limitOfVolume(context, name, args);
  yield* settleHolding(context, name, [keyOf.volume(name)]);
  const volume = configuredVolume(context, name);
  const limited = changed(volume, { snapMaxHardLimit: hardLimit });
  yield* commit(context, [changeOf.volume(context.state, limited)]);
}

/** Throws what the command refuses. */
function limitOfVolume(
  context: CommandContext, name: string, args: ConfigArgs,
): { volume: VolumeDocument; hardLimit: number } {
  if (args.softLimitPercent !== undefined) throw badArgument(text.softLimitOfVolume());
  if (args.autoDelete !== undefined) throw badArgument(text.systemOnly("auto-delete"));
  if (args.activateOnCreate !== undefined) {
    throw badArgument(text.systemOnly("activate-on-create"));
  }
  if (args.hardLimit === undefined) throw badArgument(text.nothingToSet());
  const volume = configuredVolume(context, name);
  checkHardLimit(args.hardLimit, snapshotSettings(context.state).hardLimit);
  return { volume, hardLimit: args.hardLimit };
}

function* setSystem(context: CommandContext, args: ConfigArgs): Step<void> {
  const config = settingsOfSystem(context, args);
  yield* commit(context, [changeOf.snapshotConfig(context.state, config)]);
}

/** The state as it were then: for a dry run. Throws what the command refuses. */
export function configured(context: CommandContext, args: ConfigArgs): ClusterState {
  const { state } = context;
  if (args.volume === undefined) {
    const document = settingsOfSystem(context, args);
    return { ...state, snapshotConfig: { revision: 0, ...state.snapshotConfig, document } };
  }
  const { volume, hardLimit } = limitOfVolume(context, args.volume, args);
  const document = { ...volume, snapMaxHardLimit: hardLimit };
  const volumes = new Map(state.volumes).set(volume.name, { revision: 0, document });
  return { ...state, volumes };
}

/** Throws what the command refuses. */
function settingsOfSystem(context: CommandContext, args: ConfigArgs): SnapshotConfigDocument {
  const now = snapshotSettings(context.state);
  const change: { -readonly [K in keyof SnapshotConfigDocument]?: SnapshotConfigDocument[K] } = {};
  if (args.hardLimit !== undefined) {
    checkHardLimit(args.hardLimit, snapshotDefaults.hardLimit);
    change.hardLimit = args.hardLimit;
  }
  if (args.softLimitPercent !== undefined) {
    checkSoftLimit(args.softLimitPercent);
    change.softLimitPercent = args.softLimitPercent;
  }
  if (args.autoDelete !== undefined) {
    change.autoDelete = toggled("auto-delete", args.autoDelete, now.autoDelete);
  }
  if (args.activateOnCreate !== undefined) {
    const former = now.activateOnCreate;
    change.activateOnCreate = toggled("activate-on-create", args.activateOnCreate, former);
  }
  if (Object.keys(change).length === 0) throw badArgument(text.nothingToSet());
  const set = context.state.snapshotConfig?.document;
  const { autoDelete, activateOnCreate } = args;
  const words = {
    ...set?.words,
    ...(autoDelete === undefined ? {} : { autoDelete }),
    ...(activateOnCreate === undefined ? {} : { activateOnCreate }),
  };
  const isWorded = Object.keys(words).length > 0;
  return { ...set, ...change, ...(isWorded ? { words } : {}), schema: SCHEMA };
}

function checkHardLimit(value: number, max: number): void {
  if (!Number.isSafeInteger(value)) throw badArgument(text.notInteger("snap-max-hard-limit"));
  if (value < 1 || value > max) throw badArgument(text.hardLimitRange(value, max));
}

function checkSoftLimit(value: number): void {
  if (!Number.isSafeInteger(value)) throw badArgument(text.notInteger("snap-max-soft-limit"));
  if (value < 1 || value > SOFT_LIMIT_MAX) {
    throw badArgument(text.softLimitRange(value, SOFT_LIMIT_MAX));
  }
}

function toggled(option: string, word: string, now: boolean): boolean {
  const wanted = parseBoolean(word);
  if (wanted === undefined) throw badArgument(text.notBoolean(option));
  if (wanted === now) throw badArgument(text.alreadySo(option, wanted));
  return wanted;
}

function badArgument(message: string): CommandFailure {
  return new CommandFailure("bad-argument", errno.EINVAL, message);
}
