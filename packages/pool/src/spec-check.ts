/**
 * Strict checks of specs and requests: everything that comes from a file or a socket passes here
 * once.
 */
import type { ControlRequest } from "./control.ts";
import { PoolError } from "./pool-error.ts";
import type { MetadataBackups, PoolProtection } from "./protection.ts";
import { flag, integer, list, object, oneOf, optional, orNull, refuse, text, variant } from "./shape.ts";
import type { Check } from "./shape.ts";
import { stripesOf } from "./segment-stripes.ts";
import type {
  DeviceSpec,
  LinearSpec,
  LinearVolumeSpec,
  PoolMessage,
  PoolSpec,
  SegmentSpec,
  StripePlace,
  ThinPoolSpec,
  VolumeSpec,
} from "./spec.ts";

const SECTOR_BYTES = 512;
const DEVICE_ID_MAX = 2 ** 24 - 1;
const LIST_MAX = 100_000;
const COMMAND_WORDS_MAX = 100;
const SETS_MAX = 1000;
/** LVM's. */
const STRIPES_MAX = 128;
const TRANSACTION_MAX = Number.MAX_SAFE_INTEGER;

const name = text(/^[a-zA-Z0-9+_.][a-zA-Z0-9+_.-]{0,127}$/, "an LVM name");
const bytes = integer(0, Number.MAX_SAFE_INTEGER, SECTOR_BYTES);
const positiveBytes = integer(SECTOR_BYTES, Number.MAX_SAFE_INTEGER, SECTOR_BYTES);
const deviceId = integer(0, DEVICE_ID_MAX);

const absolutePath = text(/^\/[^\0]{0,4095}$/, "an absolute path");
const device = object<DeviceSpec>({ name, path: absolutePath });
const stripe = { device: name, deviceOffsetBytes: bytes };
const segment = object<SegmentSpec>({
  ...stripe,
  lengthBytes: positiveBytes,
  striped: optional(
    object<NonNullable<SegmentSpec["striped"]>>({
      stripeBytes: positiveBytes,
      more: list(object<StripePlace>(stripe), STRIPES_MAX),
    }),
  ),
});
const volumeMembers = { name, deviceId, sizeBytes: positiveBytes, readOnly: flag };
const volume = object<VolumeSpec>(volumeMembers);
const linearVolume = object<LinearVolumeSpec>({
  ...volumeMembers,
  segments: list(segment, LIST_MAX),
});

const message = variant<PoolMessage>("kind", {
  create: object({ kind: oneOf("create"), deviceId }),
  snapshot: object({ kind: oneOf("snapshot"), deviceId, originId: deviceId }),
  delete: object({ kind: oneOf("delete"), deviceId }),
});

const protection = object<PoolProtection>({
  thresholdPercent: integer(1, 100),
  extendCommand: list(text(/^[^\0]{0,4095}$/, "a word of a command"), COMMAND_WORDS_MAX),
  noSpaceTimeoutMs: integer(0, 3_600_000),
  backups: optional(
    object<MetadataBackups>({
      directory: absolutePath,
      keep: integer(1, 1000),
      everyMs: integer(1, 86_400_000),
    }),
  ),
});

const identity = {
  vgName: name,
  poolName: name,
  uuid: text(/^[a-zA-Z0-9!#-]{1,64}$/, "a UUID"),
  devices: list(device, LIST_MAX),
  mount: optional(flag),
};
const thinPool = object<ThinPoolSpec>({
  kind: oneOf("thin-pool"),
  ...identity,
  metadata: list(segment, LIST_MAX),
  data: list(segment, LIST_MAX),
  chunkSectors: integer(128, 2_097_152, 128),
  zeroNewBlocks: flag,
  discards: oneOf("ignore", "nopassdown", "passdown"),
  errorWhenFull: flag,
  transactionId: integer(0, TRANSACTION_MAX),
  messages: list(message, LIST_MAX),
  volumes: list(volume, LIST_MAX),
  protection: optional(protection),
});
const linear = object<LinearSpec>({
  kind: oneOf("linear"),
  ...identity,
  volumes: list(linearVolume, LIST_MAX),
});

const spec: Check<PoolSpec> = (value, place) => {
  const checked = variant<PoolSpec>("kind", { "thin-pool": thinPool, linear })(value, place);
  checkReferences(checked, place);
  return checked;
};

const address = text(/^(unix|tcp):[^\0]{1,4095}$/, "unix:PATH or tcp:ADDRESS:PORT");

const request = variant<ControlRequest>("verb", {
  status: object({ verb: oneOf("status") }),
  space: object({ verb: oneOf("space"), sets: list(list(deviceId, LIST_MAX), SETS_MAX) }),
  message: object({
    verb: oneOf("message"),
    messages: list(message, LIST_MAX),
    transactionId: integer(0, TRANSACTION_MAX),
  }),
  activate: object<Extract<ControlRequest, { verb: "activate" }>>({
    verb: oneOf("activate"),
    volume: (value, place) =>
      (value as Partial<LinearVolumeSpec> | null)?.segments === undefined
        ? volume(value, place)
        : linearVolume(value, place),
  }),
  deactivate: object({ verb: oneOf("deactivate"), name }),
  resize: object({ verb: oneOf("resize"), name, sizeBytes: positiveBytes }),
  reload: object({ verb: oneOf("reload"), spec }),
  "hold-metadata": object({ verb: oneOf("hold-metadata"), hold: flag }),
  stop: object({ verb: oneOf("stop") }),
  "nbd-export": object({
    verb: oneOf("nbd-export"),
    address,
    volume: name,
    tlsDirectory: orNull(absolutePath),
  }),
  "nbd-unexport": object({ verb: oneOf("nbd-unexport"), address: orNull(address), volume: name }),
  "nbd-list": object({ verb: oneOf("nbd-list") }),
});

/** The spec, typed. Throws PoolError `bad-request`. */
export function checkSpec(value: unknown): PoolSpec {
  return spec(value, "spec");
}

/** One line of the control socket. Throws PoolError `bad-request`. */
export function checkRequest(line: string): ControlRequest {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new PoolError("bad-request", "request: expected a line of JSON", { cause: error });
  }
  return request(value, "request");
}

function checkReferences(checked: PoolSpec, place: string): void {
  unique(
    checked.devices.map((entry) => entry.name),
    `${place}.devices`,
    "name",
  );
  unique(
    checked.volumes.map((entry) => entry.name),
    `${place}.volumes`,
    "name",
  );
  unique(
    checked.volumes.map((entry) => entry.deviceId),
    `${place}.volumes`,
    "device id",
  );
  const known = new Set(checked.devices.map((entry) => entry.name));
  const lists =
    checked.kind === "thin-pool"
      ? [checked.metadata, checked.data]
      : checked.volumes.map((entry) => entry.segments);
  for (const segments of lists) {
    if (segments.length === 0)
      refuse(place, "at least one segment of data, metadata and each linear volume");
    for (const entry of segments) {
      for (const { device: of } of stripesOf(entry)) {
        if (!known.has(of))
          refuse(place, `device ${of} of a segment among the devices`);
      }
      const { striped, lengthBytes } = entry;
      if (striped === undefined) continue;
      if (striped.more.length === 0) refuse(place, "at least two stripes in a striped segment");
      if (lengthBytes % (striped.stripeBytes * (striped.more.length + 1)) !== 0)
        refuse(place, "whole rows of stripes in a striped segment");
    }
  }
}

function unique(values: readonly (string | number)[], place: string, what: string): void {
  const seen = new Set<string | number>();
  for (const value of values) {
    if (seen.has(value)) refuse(place, `one entry for ${what} ${value}`);
    seen.add(value);
  }
}
