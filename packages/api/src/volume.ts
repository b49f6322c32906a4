/** Schemas of volumes, in the words and with the counts of `volume info` and `volume status`. */
import { type Static, Type } from "./schema/schema.ts";
import { BrickReport } from "./brick-report.ts";

/** Longest brick list one request may carry; a bound for the parser, not a promise. */
const BRICKS_MAX = 10_000;
const OPTIONS_MAX = 1_000;

export const VolumeCreateBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 1024 }),
    bricks: Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), {
      minItems: 1,
      maxItems: BRICKS_MAX,
      description: "HOST:/absolute/path, in the order of the command",
    }),
    replica: Type.Optional(Type.Integer({ minimum: 1, maximum: 1024 })),
    arbiter: Type.Optional(Type.Integer({ minimum: 0, maximum: 1 })),
    disperse: Type.Optional(Type.Integer({ minimum: 0, maximum: 1024 })),
    disperseData: Type.Optional(Type.Integer({ minimum: 1, maximum: 1024 })),
    redundancy: Type.Optional(Type.Integer({ minimum: 1, maximum: 1024 })),
    transport: Type.Optional(Type.String({ maxLength: 64, description: "`tcp`" })),
    force: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type VolumeCreateBody = Static<typeof VolumeCreateBody>;

export const VolumeRef = Type.Object({
  name: Type.String(),
  id: Type.String({ description: "volume id, a uuid" }),
});
export type VolumeRef = Static<typeof VolumeRef>;

export const VolumeType = Type.Union([
  Type.Literal("Distribute"),
  Type.Literal("Replicate"),
  Type.Literal("Disperse"),
  Type.Literal("Distributed-Replicate"),
  Type.Literal("Distributed-Disperse"),
]);
export type VolumeType = Static<typeof VolumeType>;

export const VolumeState = Type.Union([
  Type.Literal("Created"),
  Type.Literal("Started"),
  Type.Literal("Stopped"),
]);
export type VolumeState = Static<typeof VolumeState>;

export const OptionValue = Type.Object({ name: Type.String(), value: Type.String() });
export type OptionValue = Static<typeof OptionValue>;

export const Brick = Type.Object({
  host: Type.String(),
  path: Type.String(),
  hostUuid: Type.String({ description: "uuid of the node" }),
  isArbiter: Type.Boolean(),
});
export type Brick = Static<typeof Brick>;

export const VolumeInfo = Type.Object({
  name: Type.String(),
  id: Type.String(),
  type: VolumeType,
  status: VolumeState,
  snapshotCount: Type.Integer({ minimum: 0, description: "safety snapshots not counted" }),
  brickCount: Type.Integer({ minimum: 0 }),
  distCount: Type.Integer({ minimum: 0, description: "bricks divided by the size of one set" }),
  replicaCount: Type.Integer({ minimum: 0 }),
  arbiterCount: Type.Integer({ minimum: 0 }),
  disperseCount: Type.Integer({ minimum: 0 }),
  redundancyCount: Type.Integer({ minimum: 0 }),
  transport: Type.String(),
  bricks: Type.Array(Brick),
  options: Type.Array(OptionValue, { description: "in the order of `Options Reconfigured`" }),
});
export type VolumeInfo = Static<typeof VolumeInfo>;

export const BrickDetail = Type.Object({
  fileSystem: Type.String(),
  device: Type.String(),
  mountOptions: Type.String(),
  inodeSizeBytes: Type.Optional(Type.Integer()),
  freeBytes: Type.Number(),
  totalBytes: Type.Number(),
  inodeCount: Type.Number(),
  inodeFree: Type.Number(),
});
export type BrickDetail = Static<typeof BrickDetail>;

export const VolumeProcess = Type.Object({
  kind: Type.Union([
    Type.Literal("brick"),
    Type.Literal("self-heal-daemon"),
    Type.Literal("snapshot-daemon"),
  ]),
  host: Type.String({ description: "as printed: for daemons of this node, `localhost`" }),
  path: Type.String({ description: "brick path; for a daemon the host, as stock's XML has it" }),
  peerId: Type.String({ description: "uuid of the node" }),
  online: Type.Boolean(),
  port: Type.Optional(Type.Integer({ description: "TCP port, when online and it has one" })),
  pid: Type.Optional(Type.Integer({ description: "when online" })),
  detail: Type.Optional(BrickDetail),
  report: Type.Optional(BrickReport),
});
export type VolumeProcess = Static<typeof VolumeProcess>;

export const StatusView = Type.Union(
  [
    Type.Literal("clients"),
    Type.Literal("descriptors"),
    Type.Literal("calls"),
    Type.Literal("memory"),
    Type.Literal("inodes"),
  ],
  { description: "what the bricks themselves are asked for" },
);
export type StatusView = Static<typeof StatusView>;

export const VolumeTask = Type.Object({
  kind: Type.String({ description: "`Rebalance`, `Remove brick`" }),
  id: Type.String(),
  status: Type.String(),
  bricks: Type.Array(Type.String(), { description: "of `Remove brick`: those that are emptied" }),
});
export type VolumeTask = Static<typeof VolumeTask>;

export const VolumeStatus = Type.Object({
  name: Type.String(),
  started: Type.Boolean({ description: "false: `Volume V is not started`, no processes" }),
  processes: Type.Array(VolumeProcess),
  tasks: Type.Array(VolumeTask),
});
export type VolumeStatus = Static<typeof VolumeStatus>;

export const OptionSetBody = Type.Object(
  {
    options: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1, maxLength: 256 }),
          value: Type.String({ maxLength: 65_536 }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: OPTIONS_MAX },
    ),
  },
  { additionalProperties: false },
);
export type OptionSetBody = Static<typeof OptionSetBody>;

export const OptionHelp = Type.Object({
  name: Type.String(),
  defaultValue: Type.String({ description: "empty: none, or computed" }),
  description: Type.String(),
});
export type OptionHelp = Static<typeof OptionHelp>;
