/** `snapshot config`: shows limits and defaults, or changes them. */
import type { SnapshotConfigBody } from "@mortar/api";
import { present } from "./answer.ts";
import { type Session, UsageError } from "./command.ts";
import { configChangeText, configText, failedLast } from "./snapshot-print.ts";
import { configChangeXml, configXml } from "./snapshot-xml.ts";

const hard = "snap-max-hard-limit";
const soft = "snap-max-soft-limit";
const switches = ["auto-delete", "activate-on-create"] as const;
const failed = "Snapshot Config : failed: ";

export async function snapshotConfig(session: Session, args: readonly string[]): Promise<number> {
  const request = parseSnapshotConfig(args);
  if (request.kind === "show") {
    const client = await session.client();
    const query = request.volume === undefined ? {} : { volume: request.volume };
    return present(session, await client.snapshotConfigGet(query), {
      text: configText,
      xml: configXml,
      failed,
      failedLast,
    });
  }
  const { change } = request;
  const question = questionOf(change);
  if (question !== undefined && (await session.confirm(question)) !== "yes") return 0;
  const client = await session.client();
  return present(session, await client.snapshotConfigSet(change), {
    text: () => configChangeText(change),
    xml: () => configChangeXml(change),
    failed,
    failedLast,
  });
}

type ConfigRequest =
  | { readonly kind: "show"; readonly volume: string | undefined }
  | { readonly kind: "change"; readonly change: SnapshotConfigBody };

/** Throws `UsageError`. Words behind a complete request are refused, where stock drops them. */
export function parseSnapshotConfig(args: readonly string[]): ConfigRequest {
  const [first] = args;
  if (first === undefined) return { kind: "show", volume: undefined };
  const ofVolume = first !== hard && first !== soft && !isSwitch(first);
  if (ofVolume && args.length === 1) return { kind: "show", volume: first };
  const words = ofVolume ? args.slice(1) : args;
  const volume = ofVolume ? { volume: first } : {};
  const [option = "", value] = words;
  if (isSwitch(option)) {
    if (ofVolume) {
      throw new UsageError(`As of now, ${option} option cannot be set to volumes`);
    }
    if (value === undefined || words.length > 2) throw new UsageError();
    const key = option === "auto-delete" ? "autoDelete" : "activateOnCreate";
    return { kind: "change", change: { [key]: value } };
  }
  if (ofVolume && words.includes(soft)) {
    throw new UsageError("Soft limit cannot be set to individual volumes.");
  }
  if (option === soft) {
    const softLimitPercent = positive(soft, value);
    if (words.length > 2) throw new UsageError();
    return { kind: "change", change: { softLimitPercent } };
  }
  if (option !== hard) throw new UsageError();
  const hardLimit = positive(hard, value);
  if (words.length === 2) return { kind: "change", change: { ...volume, hardLimit } };
  if (words[2] !== soft || words.length > 4) throw new UsageError();
  return { kind: "change", change: { hardLimit, softLimitPercent: positive(soft, words[3]) } };
}

function isSwitch(word: string): word is (typeof switches)[number] {
  return (switches as readonly string[]).includes(word);
}

function positive(option: string, value: string | undefined): number {
  if (value === undefined) throw new UsageError(`Please provide a value for ${option}.`);
  const count = Number(value);
  if (!/^[0-9]+$/.test(value) || count === 0 || !Number.isSafeInteger(count)) {
    throw new UsageError(`Please enter an integer value greater than zero for ${option}`);
  }
  return count;
}

const softEffect =
  "If Auto-delete is enabled, snap-max-soft-limit will trigger deletion of oldest snapshot, on " +
  "the creation of new snapshot, when the snap-max-soft-limit is reached.\n";
const hardEffect =
  "Changing snapshot-max-hard-limit will limit the creation of new snapshots if they exceed the ";

function questionOf(change: SnapshotConfigBody): string | undefined {
  if (change.hardLimit !== undefined && change.softLimitPercent !== undefined) {
    return `${hardEffect}new snapshot-max-hard-limit.\n${softEffect}Do you want to continue?`;
  }
  if (change.hardLimit !== undefined) return `${hardEffect}new limit.\nDo you want to continue?`;
  if (change.softLimitPercent !== undefined) {
    return `${softEffect}Do you want to change the snap-max-soft-limit?`;
  }
  return undefined;
}
