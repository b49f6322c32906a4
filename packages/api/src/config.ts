/** Schema of a node's configuration file, `/etc/mortar/mortar.json`. Every field is optional. */
import { type Static, Type } from "./schema/schema.ts";

const port = { minimum: 1, maximum: 65_535 };

export const EtcdClusterSettings = Type.Object(
  {
    endpoints: Type.Array(Type.String({ pattern: "^https?://." }), { minItems: 1 }),
    ca: Type.Optional(Type.String({ description: "file: who signs the members' certificates" })),
    certificate: Type.Optional(Type.String({ description: "file: what the members know us by" })),
    key: Type.Optional(Type.String({ description: "file: of the certificate" })),
    prefix: Type.Optional(
      Type.String({ pattern: "^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$", description: "of all keys" }),
    ),
    user: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
  },
  { additionalProperties: false, description: "an etcd that others run, in place of our own members" },
);
export type EtcdClusterSettings = Static<typeof EtcdClusterSettings>;

export const NodeConfigSchema = Type.Object(
  {
    address: Type.Optional(
      Type.String({ description: "serve only this address; absent: every address" }),
    ),
    hostNames: Type.Optional(
      Type.Array(Type.String(), { description: "further names and addresses of this node" }),
    ),
    devices: Type.Optional(
      Type.Array(Type.String(), {
        description: "scan only these for physical volumes; a final * stands for anything",
      }),
    ),
    engine: Type.Optional(
      Type.Union([Type.Literal("auto"), Type.Literal("kernel"), Type.Literal("userspace")], {
        description: "what activates volume groups",
      }),
    ),
    glusterPort: Type.Optional(Type.Integer(port)),
    peerPort: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 65_533,
        description: "for the other nodes; the two after it are etcd's",
      }),
    ),
    trustedNetworks: Type.Optional(
      Type.Array(Type.String(), {
        description: "ADDRESS/BITS: nodes there are believed without a token; default: loopback",
      }),
    ),
    web: Type.Optional(
      Type.Object(
        {
          address: Type.String({ minLength: 1 }),
          port: Type.Integer(port),
          certificate: Type.Optional(Type.String({ description: "file, PEM; default: the node's" })),
          key: Type.Optional(Type.String({ description: "file, PEM" })),
          plain: Type.Optional(
            Type.Boolean({ description: "without TLS; on loopback addresses only" }),
          ),
        },
        { additionalProperties: false, description: "HTTP for those who have a token" },
      ),
    ),
    socketGroup: Type.Optional(
      Type.String({ description: "its members may use the node's socket, as root may" }),
    ),
    etcd: Type.Optional(Type.String({ description: "program of etcd, for several nodes" })),
    etcdCluster: Type.Optional(EtcdClusterSettings),
    certificateDays: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: "how long a node's certificate is good" }),
    ),
    brickPortFirst: Type.Optional(Type.Integer(port)),
    brickPortLast: Type.Optional(Type.Integer(port)),
    glusterfsd: Type.Optional(Type.String({ description: "program of the stock brick server" })),
    transactionWaitMs: Type.Optional(
      Type.Integer({ minimum: 0, description: "how long a command waits for another one" }),
    ),
    snapshotViewIdleSeconds: Type.Optional(
      Type.Integer({
        minimum: 1, description: "a snapshot that nobody looks into under .snaps is closed then",
      }),
    ),
    hookLimitSeconds: Type.Optional(
      Type.Integer({
        minimum: 1, maximum: 25, description: "time of each part of a snapshot hook; default 10",
      }),
    ),
    hooksRequired: Type.Optional(
      Type.Boolean({ description: "no snapshot without the hooks' success; default false" }),
    ),
    guestAgents: Type.Optional(
      Type.Array(
        Type.Object(
          {
            volume: Type.String({ description: "which has disks of the virtual machine" }),
            name: Type.String({ description: "of the virtual machine, for messages" }),
            socket: Type.String({ description: "unix socket of its QEMU guest agent" }),
            limitSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 25 })),
            required: Type.Optional(Type.Boolean()),
          },
          { additionalProperties: false },
        ),
        { description: "their file systems are frozen while a snapshot is taken" },
      ),
    ),
    clientConnectionsMax: Type.Optional(Type.Integer({ minimum: 1 })),
    thinPools: Type.Optional(
      Type.Object(
        {
          autoextendThreshold: Type.Optional(
            Type.Integer({
              minimum: 50,
              maximum: 100,
              description: "fill in percent above which a pool grows; 100: never",
            }),
          ),
          autoextendPercent: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
          noSpaceTimeoutSeconds: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: 3600,
              description: "how long writes to a full pool wait before ENOSPC",
            }),
          ),
          metadataBackupsKept: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
          metadataBackupMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1440 })),
        },
        { additionalProperties: false },
      ),
    ),
    logLevel: Type.Optional(
      Type.Union([
        Type.Literal("debug"),
        Type.Literal("info"),
        Type.Literal("warn"),
        Type.Literal("error"),
      ]),
    ),
  },
  { additionalProperties: false, $id: "NodeConfig" },
);
export type NodeConfig = Static<typeof NodeConfigSchema>;
