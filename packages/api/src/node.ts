/** Schemas of the node itself and of its peers. */
import { type Static, Type } from "./schema/schema.ts";

export const BrickProcess = Type.Object({
  volume: Type.String({ description: "volume, or snap volume" }),
  snapshot: Type.Optional(Type.String({ description: "of a snapshot's brick" })),
  path: Type.String(),
  state: Type.Union([
    Type.Literal("starting"),
    Type.Literal("online"),
    Type.Literal("restarting"),
    Type.Literal("ended"),
    Type.Literal("stopping"),
    Type.Literal("failed"),
  ]),
  engine: Type.Optional(
    Type.Union([Type.Literal("builtin"), Type.Literal("glusterfsd")], {
      description: "the program that serves it, while it is online",
    }),
  ),
  port: Type.Optional(Type.Integer()),
  pid: Type.Optional(Type.Integer()),
  restarts: Type.Integer({ minimum: 0, description: "since this daemon started it or adopted it" }),
  reason: Type.Optional(Type.String({ description: "why it is not online" })),
});
export type BrickProcess = Static<typeof BrickProcess>;

export const NodeStatus = Type.Object({
  version: Type.String(),
  uuid: Type.String(),
  host: Type.String(),
  address: Type.String({ description: "address of the GlusterFS port" }),
  glusterPort: Type.Integer(),
  pid: Type.Integer(),
  root: Type.String(),
  stateDirectory: Type.String(),
  runDirectory: Type.String(),
  logDirectory: Type.String(),
  startedAt: Type.Integer({ description: "seconds since 1970, UTC" }),
  volumeCount: Type.Integer(),
  snapshotCount: Type.Integer(),
  glusterClients: Type.Integer({ description: "connections on the GlusterFS port" }),
  bricks: Type.Array(BrickProcess),
  clusterState: Type.Optional(
    Type.Object({
      kind: Type.String({ description: "`file`, or `etcd`" }),
      writable: Type.Boolean({ description: "false: commands that change something are refused" }),
      reason: Type.Optional(Type.String({ description: "why it is not writable" })),
    }),
  ),
});
export type NodeStatus = Static<typeof NodeStatus>;

export const Peer = Type.Object({
  uuid: Type.String(),
  hostname: Type.String({ description: "`localhost` for the node that answers" }),
  self: Type.Boolean(),
  connected: Type.Boolean(),
  state: Type.Integer({ description: "GlusterFS's number, 3 for a peer in the cluster" }),
  stateName: Type.String({ description: "`Peer in Cluster`" }),
  clockSkewMs: Type.Optional(
    Type.Integer({ description: "its clock less the one of the node that answers" }),
  ),
});
export type Peer = Static<typeof Peer>;

export const PeerProbeBody = Type.Object(
  {
    host: Type.String({ minLength: 1, maxLength: 253 }),
    token: Type.Optional(Type.String({ maxLength: 256, description: "printed by the new node" })),
  },
  { additionalProperties: false },
);
export type PeerProbeBody = Static<typeof PeerProbeBody>;

export const PeerProbed = Type.Object({
  outcome: Type.Union([Type.Literal("success"), Type.Literal("localhost"), Type.Literal("known")], {
    description: "`known`: it was in the pool already",
  }),
  port: Type.Integer({ description: "GlusterFS's port, which stock names with `known`" }),
});
export type PeerProbed = Static<typeof PeerProbed>;

export const PeerToken = Type.Object({
  token: Type.String({ description: "lets this node into the cluster that is given it" }),
  expiresAt: Type.Integer({ description: "seconds since 1970" }),
});
export type PeerToken = Static<typeof PeerToken>;

export const PeerRequest = Type.Object({
  code: Type.String({ description: "both operators see the same, or somebody is in between" }),
  host: Type.String(),
  address: Type.String(),
  accepted: Type.Boolean(),
  expiresAt: Type.Integer(),
});
export type PeerRequest = Static<typeof PeerRequest>;

export const PeerAcceptBody = Type.Object(
  { code: Type.String({ minLength: 1, maxLength: 64 }) },
  { additionalProperties: false },
);
export type PeerAcceptBody = Static<typeof PeerAcceptBody>;

export const PeerConfirmBody = Type.Object(
  {
    yes: Type.Optional(Type.Boolean({ description: "without it, it is said what would happen" })),
  },
  { additionalProperties: false },
);
export type PeerConfirmBody = Static<typeof PeerConfirmBody>;

export const PeerRecovered = Type.Object({
  gone: Type.Array(Type.String(), { description: "hosts of the nodes that do not count any more" }),
});
export type PeerRecovered = Static<typeof PeerRecovered>;

export const ShutdownBody = Type.Object(
  {
    stopBricks: Type.Optional(
      Type.Boolean({ description: "default true; false: only the daemon leaves" }),
    ),
  },
  { additionalProperties: false },
);
export type ShutdownBody = Static<typeof ShutdownBody>;

export const ShutdownResult = Type.Object({
  bricksStopped: Type.Integer({ minimum: 0 }),
  unmounted: Type.Array(Type.String(), { description: "mount points of snapshot bricks" }),
  failures: Type.Array(Type.String(), { description: "what did not stop or unmount, and why" }),
});
export type ShutdownResult = Static<typeof ShutdownResult>;
