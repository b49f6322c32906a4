/**
 * Every route, once: the server registers this table, the client calls it, OpenAPI prints it.
 *
 * Names of volumes and snapshots are path segments (percent-encoded); questions about all, or a
 * choice of them, are collections with a query, so that no name can collide with a verb.
 */
import { type TObject, type TSchema, Type } from "@sinclair/typebox";
import {
  NodeStatus, Peer, PeerAcceptBody, PeerProbeBody, PeerProbed, PeerRequest, PeerToken, ShutdownBody, ShutdownResult,
} from "./node.ts";
import {
  SnapshotChanged,
  SnapshotCloned,
  SnapshotConfig,
  SnapshotConfigBody,
  SnapshotCreateBody,
  SnapshotCreated,
  SnapshotInfoList,
  SnapshotRef,
  SnapshotRemoval,
  SnapshotRestored,
  SnapshotStatus,
} from "./snapshot.ts";
import {
  Plan, PlanBody, PoolReclaim, ReclaimableBody, SnapshotReclaim, SnapshotSpace,
} from "./space.ts";
import { VolumeFiles, VolumeProfile, VolumeProfileBody } from "./brick-report.ts";
import {
  BrickCreateBody, BrickPlaceBody, BrickPlan, BrickReadiness, MadeBrickInfo, NodeLabel, NodeLabelBody,
} from "./storage.ts";
import {
  AddBrickBody, RebalanceBody, RemoveBrickBody, VolumeTaskReport,
} from "./volume-change.ts";
import {
  OptionHelp,
  OptionSetBody,
  OptionValue,
  StatusView,
  VolumeCreateBody,
  VolumeInfo,
  VolumeRef,
  VolumeStatus,
} from "./volume.ts";

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

export interface Route<
  Params extends TObject = TObject,
  Query extends TObject = TObject,
  Body extends TSchema = TSchema,
  Result extends TSchema = TSchema,
> {
  readonly method: Method;
  /** Fastify's and OpenAPI's pattern: `/v1/volumes/:volume`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: "node" | "volume" | "snapshot";
  readonly params: Params;
  readonly query: Query;
  /** `Type.Undefined()` where the request has none. */
  readonly body: Body;
  readonly result: Result;
}

const none = Type.Object({}, { additionalProperties: false });
const noBody = Type.Undefined();
const name = Type.String({ minLength: 1, maxLength: 1024 });
const volume = Type.Object({ volume: name });
const snapshot = Type.Object({ snapshot: name });
const force = Type.Object(
  { force: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
);
const oneOrVolume = Type.Object(
  { snapshot: Type.Optional(name), volume: Type.Optional(name) },
  { additionalProperties: false },
);

/** Keeps the literal types of a route, which the client and the server infer from. */
function route<P extends TObject, Q extends TObject, B extends TSchema, R extends TSchema>(
  it: Route<P, Q, B, R>,
): Route<P, Q, B, R> {
  return it;
}

const nodeRoutes = {
  nodeStatus: route({
    method: "GET", path: "/v1/node", tag: "node", summary: "This node, its paths and bricks",
    params: none, query: none, body: noBody, result: NodeStatus,
  }),
  nodeShutdown: route({
    method: "POST", path: "/v1/node/shutdown", tag: "node",
    summary: "Stop bricks, unmount snapshot bricks, end the daemon",
    params: none, query: none, body: ShutdownBody, result: ShutdownResult,
  }),
  nodeReclaimable: route({
    method: "POST", path: "/v1/node/reclaimable", tag: "node",
    summary: "What removing exactly these thin volumes would free; nothing is removed",
    params: none, query: none, body: ReclaimableBody, result: Type.Array(PoolReclaim),
  }),
  commandPlan: route({
    method: "POST", path: "/v1/plan", tag: "node",
    summary: "What a destructive command would do and free; nothing is changed",
    params: none, query: none, body: PlanBody, result: Plan,
  }),
  peerList: route({
    method: "GET", path: "/v1/peers", tag: "node", summary: "Nodes of the pool, this one included",
    params: none, query: none, body: noBody, result: Type.Array(Peer),
  }),
  peerProbe: route({
    method: "POST", path: "/v1/peers", tag: "node", summary: "Let a node into the pool",
    params: none, query: none, body: PeerProbeBody, result: PeerProbed,
  }),
  peerDetach: route({
    method: "DELETE", path: "/v1/peers/:host", tag: "node",
    summary: "Take a node without bricks out of the pool",
    params: Type.Object({ host: name }),
    query: Type.Object(
      { force: Type.Optional(Type.Boolean({ description: "also when it does not answer" })) },
      { additionalProperties: false },
    ),
    body: noBody, result: none,
  }),
  peerToken: route({
    method: "POST", path: "/v1/peer-token", tag: "node",
    summary: "A token that lets this node into a pool",
    params: none, query: none, body: none, result: PeerToken,
  }),
  peerRequests: route({
    method: "GET", path: "/v1/peer-requests", tag: "node",
    summary: "Clusters that want to take this node in and are not believed yet",
    params: none, query: none, body: noBody, result: Type.Array(PeerRequest),
  }),
  peerAccept: route({
    method: "POST", path: "/v1/peer-requests", tag: "node",
    summary: "Believe the cluster with this code",
    params: none, query: none, body: PeerAcceptBody, result: none,
  }),
} as const;

const volumeRoutes = {
  volumeInfoAll: route({
    method: "GET", path: "/v1/volumes", tag: "volume", summary: "All volumes",
    params: none, query: none, body: noBody, result: Type.Array(VolumeInfo),
  }),
  volumeCreate: route({
    method: "POST", path: "/v1/volumes", tag: "volume", summary: "Create a volume",
    params: none, query: none, body: VolumeCreateBody, result: VolumeRef,
  }),
  volumeInfo: route({
    method: "GET", path: "/v1/volumes/:volume", tag: "volume", summary: "One volume",
    params: volume, query: none, body: noBody, result: VolumeInfo,
  }),
  volumeDelete: route({
    method: "DELETE", path: "/v1/volumes/:volume", tag: "volume",
    summary: "Delete a stopped volume; its bricks keep their data",
    params: volume, query: none, body: noBody, result: VolumeRef,
  }),
  volumeStart: route({
    method: "POST", path: "/v1/volumes/:volume/start", tag: "volume", summary: "Start a volume",
    params: volume, query: none, body: force, result: VolumeRef,
  }),
  volumeStop: route({
    method: "POST", path: "/v1/volumes/:volume/stop", tag: "volume", summary: "Stop a volume",
    params: volume, query: none, body: force, result: VolumeRef,
  }),
  volumeStatusAll: route({
    method: "GET", path: "/v1/volume-status", tag: "volume", summary: "Processes of all volumes",
    params: none,
    query: Type.Object(
      { detail: Type.Optional(Type.Boolean()), view: Type.Optional(StatusView) },
      { additionalProperties: false },
    ),
    body: noBody, result: Type.Array(VolumeStatus),
  }),
  volumeStatus: route({
    method: "GET", path: "/v1/volumes/:volume/status", tag: "volume",
    summary: "Processes of a volume, or one brick of it",
    params: volume,
    query: Type.Object(
      {
        detail: Type.Optional(Type.Boolean()),
        brick: Type.Optional(Type.String({ maxLength: 4096, description: "HOST:/path" })),
        view: Type.Optional(StatusView),
      },
      { additionalProperties: false },
    ),
    body: noBody, result: VolumeStatus,
  }),
  volumeAddBrick: route({
    method: "POST", path: "/v1/volumes/:volume/bricks", tag: "volume",
    summary: "Further sets of bricks, while clients work",
    params: volume, query: none, body: AddBrickBody, result: VolumeRef,
  }),
  volumeRemoveBrick: route({
    method: "POST", path: "/v1/volumes/:volume/remove-brick", tag: "volume",
    summary: "Empty sets of bricks, and let them go",
    params: volume, query: none, body: RemoveBrickBody, result: VolumeTaskReport,
  }),
  volumeRebalance: route({
    method: "POST", path: "/v1/volumes/:volume/rebalance", tag: "volume",
    summary: "Bring files to the bricks that they belong to",
    params: volume, query: none, body: RebalanceBody, result: VolumeTaskReport,
  }),
  volumeProfile: route({
    method: "POST", path: "/v1/volumes/:volume/profile", tag: "volume",
    summary: "Count the operations of its bricks; look at the counts",
    params: volume, query: none, body: VolumeProfileBody, result: VolumeProfile,
  }),
  volumeStatedump: route({
    method: "POST", path: "/v1/volumes/:volume/statedump", tag: "volume",
    summary: "Each brick writes what it holds to a file",
    params: volume, query: none, body: none, result: VolumeFiles,
  }),
  volumeLogRotate: route({
    method: "POST", path: "/v1/volumes/:volume/log-rotate", tag: "volume",
    summary: "Begin new log files of its bricks, or of one; the files of before are told",
    params: volume, query: none,
    body: Type.Object(
      { brick: Type.Optional(Type.String({ maxLength: 4096, description: "HOST:/path" })) },
      { additionalProperties: false },
    ),
    result: VolumeFiles,
  }),
  volumeBarrier: route({
    method: "POST", path: "/v1/volumes/:volume/barrier", tag: "volume",
    summary: "Hold back acknowledgements, or let them go",
    params: volume, query: none,
    body: Type.Object({ enable: Type.Boolean() }, { additionalProperties: false }),
    result: VolumeRef,
  }),
  volumeOptionGet: route({
    method: "GET", path: "/v1/volumes/:volume/options", tag: "volume",
    summary: "Values of options, defaults included; volume `all` has the cluster's",
    params: volume,
    query: Type.Object(
      { key: Type.Optional(Type.String({ maxLength: 256, description: "absent: all" })) },
      { additionalProperties: false },
    ),
    body: noBody, result: Type.Array(OptionValue),
  }),
  volumeOptionSet: route({
    method: "PATCH", path: "/v1/volumes/:volume/options", tag: "volume",
    summary: "Set options; clients take them over without a remount",
    params: volume, query: none, body: OptionSetBody, result: VolumeRef,
  }),
  volumeOptionReset: route({
    method: "DELETE", path: "/v1/volumes/:volume/options", tag: "volume",
    summary: "Reset one option, or all",
    params: volume,
    query: Type.Object(
      {
        key: Type.Optional(Type.String({ maxLength: 256, description: "absent: all" })),
        force: Type.Optional(Type.Boolean()),
      },
      { additionalProperties: false },
    ),
    body: noBody, result: VolumeRef,
  }),
  volumeOptionHelp: route({
    method: "GET", path: "/v1/volume-options", tag: "volume", summary: "Options that can be set",
    params: none, query: none, body: noBody, result: Type.Array(OptionHelp),
  }),
} as const;

const snapshotRoutes = {
  snapshotList: route({
    method: "GET", path: "/v1/snapshots", tag: "snapshot",
    summary: "Snapshots in the order of their creation",
    params: none,
    query: Type.Object(
      {
        volume: Type.Optional(name),
        safety: Type.Optional(Type.Boolean({ description: "only safety snapshots" })),
      },
      { additionalProperties: false },
    ),
    body: noBody, result: Type.Array(SnapshotRef),
  }),
  snapshotCreate: route({
    method: "POST", path: "/v1/snapshots", tag: "snapshot", summary: "Take a snapshot of a volume",
    params: none, query: none, body: SnapshotCreateBody, result: SnapshotCreated,
  }),
  snapshotDeleteMany: route({
    method: "DELETE", path: "/v1/snapshots", tag: "snapshot",
    summary: "Delete all snapshots, or all of one volume",
    params: none,
    query: Type.Object(
      { all: Type.Optional(Type.Boolean()), volume: Type.Optional(name) },
      { additionalProperties: false, description: "exactly one of the two" },
    ),
    body: noBody, result: Type.Array(SnapshotRemoval),
  }),
  snapshotDelete: route({
    method: "DELETE", path: "/v1/snapshots/:snapshot", tag: "snapshot",
    summary: "Delete one snapshot",
    params: snapshot, query: none, body: noBody, result: SnapshotChanged,
  }),
  snapshotInfo: route({
    method: "GET", path: "/v1/snapshot-info", tag: "snapshot",
    summary: "All snapshots, one, or those of a volume",
    params: none, query: oneOrVolume, body: noBody, result: SnapshotInfoList,
  }),
  snapshotStatus: route({
    method: "GET", path: "/v1/snapshot-status", tag: "snapshot",
    summary: "Bricks of all snapshots, of one, or of those of a volume",
    params: none, query: oneOrVolume, body: noBody, result: Type.Array(SnapshotStatus),
  }),
  snapshotReclaim: route({
    method: "POST", path: "/v1/snapshot-reclaim", tag: "snapshot",
    summary: "What deleting these snapshots, all together, gives back",
    params: none, query: none,
    body: Type.Object(
      { snapshots: Type.Array(name, { minItems: 1, maxItems: 10_000 }) },
      { additionalProperties: false },
    ),
    result: SnapshotReclaim,
  }),
  snapshotSpace: route({
    method: "GET", path: "/v1/snapshot-space", tag: "snapshot",
    summary: "Referenced, exclusive and shared bytes of one snapshot, of a volume's, or of all",
    params: none,
    query: Type.Object(
      {
        snapshot: Type.Optional(name),
        volume: Type.Optional(name),
        safety: Type.Optional(Type.Boolean()),
      },
      { additionalProperties: false },
    ),
    body: noBody, result: Type.Array(SnapshotSpace),
  }),
  snapshotActivate: route({
    method: "POST", path: "/v1/snapshots/:snapshot/activate", tag: "snapshot",
    summary: "Mount and serve a snapshot",
    params: snapshot, query: none, body: force, result: SnapshotChanged,
  }),
  snapshotView: route({
    method: "POST", path: "/v1/snapshots/:snapshot/view", tag: "snapshot",
    summary: "For this node's snapshot daemon: activate a snapshot while it is looked into",
    params: snapshot, query: none,
    body: Type.Object({ open: Type.Boolean() }, { additionalProperties: false }),
    result: SnapshotChanged,
  }),
  snapshotDeactivate: route({
    method: "POST", path: "/v1/snapshots/:snapshot/deactivate", tag: "snapshot",
    summary: "Stop serving a snapshot",
    params: snapshot, query: none, body: none, result: SnapshotChanged,
  }),
  snapshotRestore: route({
    method: "POST", path: "/v1/snapshots/:snapshot/restore", tag: "snapshot",
    summary: "Put volumes back to a snapshot; started ones only with `online`",
    params: snapshot, query: none,
    body: Type.Object(
      {
        volume: Type.Optional(name),
        safety: Type.Optional(
          Type.Boolean({ description: "keep the present as a safety snapshot; default true" }),
        ),
        online: Type.Optional(Type.Boolean({ description: "also of a started volume" })),
      },
      { additionalProperties: false },
    ),
    result: SnapshotRestored,
  }),
  snapshotClone: route({
    method: "POST", path: "/v1/snapshots/:snapshot/clone", tag: "snapshot",
    summary: "Make a volume of an activated snapshot",
    params: snapshot, query: none,
    body: Type.Object(
      { name, volume: Type.Optional(name) },
      { additionalProperties: false, description: "volume: of a snapshot of several, which one" },
    ),
    result: SnapshotCloned,
  }),
  snapshotConfigGet: route({
    method: "GET", path: "/v1/snapshot-config", tag: "snapshot",
    summary: "Limits and defaults of the system and of volumes",
    params: none,
    query: Type.Object({ volume: Type.Optional(name) }, { additionalProperties: false }),
    body: noBody, result: SnapshotConfig,
  }),
  snapshotConfigSet: route({
    method: "PATCH", path: "/v1/snapshot-config", tag: "snapshot",
    summary: "Change limits and defaults of the system or of a volume",
    params: none, query: none, body: SnapshotConfigBody, result: SnapshotConfig,
  }),
} as const;

const storageRoutes = {
  brickList: route({
    method: "GET", path: "/v1/bricks", tag: "node", summary: "Bricks that Mortar made, and who has them",
    params: none, query: none, body: noBody, result: Type.Array(MadeBrickInfo),
  }),
  brickCreate: route({
    method: "POST", path: "/v1/bricks", tag: "node",
    summary: "Make a file system on a thin volume of its own for a brick",
    params: none, query: none, body: BrickCreateBody, result: BrickPlan,
  }),
  brickDelete: route({
    method: "DELETE", path: "/v1/bricks", tag: "node",
    summary: "Remove a brick that Mortar made and nothing uses",
    params: none, query: Type.Object({ brick: name }, { additionalProperties: false }), body: noBody,
    result: Type.Object({ brick: Type.String() }),
  }),
  brickPlace: route({
    method: "POST", path: "/v1/brick-sets", tag: "node",
    summary: "Make the bricks of a new volume, placed over failure domains",
    params: none, query: none, body: BrickPlaceBody, result: Type.Array(BrickPlan),
  }),
  brickReadiness: route({
    method: "GET", path: "/v1/brick-readiness", tag: "node",
    summary: "Why each brick could not be part of a snapshot now",
    params: none, query: Type.Object({ volume: Type.Optional(name) }, { additionalProperties: false }),
    body: noBody, result: Type.Array(BrickReadiness),
  }),
  nodeLabel: route({
    method: "PATCH", path: "/v1/peers/:host", tag: "node", summary: "The failure domain of a node",
    params: Type.Object({ host: name }), query: none, body: NodeLabelBody, result: NodeLabel,
  }),
};

export const routes = { ...nodeRoutes, ...storageRoutes, ...volumeRoutes, ...snapshotRoutes } as const;
export type RouteName = keyof typeof routes;
