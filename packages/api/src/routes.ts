/**
 * Every route, once: the server registers this table, the client calls it, OpenAPI prints it.
 *
 * Names of volumes and snapshots are path segments (percent-encoded); questions about all, or a
 * choice of them, are collections with a query, so that no name can collide with a verb.
 */
import { Type } from "./schema/schema.ts";
import {
  NodeStatus, Peer, PeerAcceptBody, PeerConfirmBody, PeerProbeBody, PeerProbed, PeerRecovered, PeerRequest, PeerToken,
  ShutdownBody, ShutdownResult,
} from "./node.ts";
import { force, name, noBody, none, route, volume } from "./route.ts";
import { accessRoutes } from "./access-routes.ts";
import { eventRoutes } from "./events.ts";
import { healRoutes } from "./heal-routes.ts";
import { logRoutes } from "./logs.ts";
import { pageQuery } from "./page.ts";
import { poolRoutes } from "./pool.ts";
import { taskRoutes } from "./task.ts";
import { webhookRoutes } from "./webhooks.ts";
import { scheduleRoutes } from "./schedule-routes.ts";
import { snapshotRoutes } from "./snapshot-routes.ts";
import { snapshotFileRoutes } from "./snapshot-files.ts";
import { volumeTopRoutes } from "./volume-top.ts";
import { transferRoutes } from "./transfer-routes.ts";
import { Plan, PlanBody, PoolReclaim, ReclaimableBody } from "./space.ts";
import { VolumeFiles, VolumeProfile, VolumeProfileBody } from "./brick-report.ts";
import {
  BrickCreateBody, BrickPlaceBody, BrickPlan, BrickReadiness, MadeBrickInfo, NodeLabel, NodeLabelBody,
} from "./storage.ts";
import {
  AddBrickBody, RebalanceBody, RemoveBrickBody, ReplaceBrickBody, ResetBrickBody, VolumeTaskReport,
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
  peerRecover: route({
    method: "POST", path: "/v1/peer-recover", tag: "node",
    summary: "Go on with this node alone, when the majority is lost for good",
    params: none, query: none, body: PeerConfirmBody, result: PeerRecovered,
  }),
  peerLeave: route({
    method: "POST", path: "/v1/peer-leave", tag: "node",
    summary: "Forget the pool, which goes on without this node",
    params: none, query: none, body: PeerConfirmBody, result: none,
  }),
} as const;

const volumeRoutes = {
  volumeInfoAll: route({
    method: "GET", path: "/v1/volumes", tag: "volume", summary: "All volumes",
    params: none, query: Type.Object(pageQuery, { additionalProperties: false }), body: noBody, result: Type.Array(VolumeInfo),
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
  volumeReplaceBrick: route({
    method: "POST", path: "/v1/volumes/:volume/replace-brick", tag: "volume",
    summary: "Another brick in the place of one; it is healed from the others of its set",
    params: volume, query: none, body: ReplaceBrickBody, result: VolumeRef,
  }),
  volumeResetBrick: route({
    method: "POST", path: "/v1/volumes/:volume/reset-brick", tag: "volume",
    summary: "Take a brick out, and bring it back emptied under the same path",
    params: volume, query: none, body: ResetBrickBody, result: VolumeRef,
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

export const routes = {
  ...volumeTopRoutes,
  ...nodeRoutes, ...storageRoutes, ...volumeRoutes, ...healRoutes, ...snapshotRoutes,
  ...scheduleRoutes, ...transferRoutes,
  ...poolRoutes, ...snapshotFileRoutes, ...accessRoutes, ...eventRoutes,
  ...webhookRoutes, ...taskRoutes, ...logRoutes,
} as const;
export type RouteName = keyof typeof routes;
