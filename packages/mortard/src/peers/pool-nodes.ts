/** The nodes of the pool as this one knows them: which there are, and under which names and ports. */
import { type ClusterState, type NodeDocument, nodesInOrder } from "@mortar/cluster";
import type { MemberHome } from "../etcd/member-keeper.ts";
import type { JoinFacts } from "./join-wire.ts";
import { certificateHosts, machineHosts } from "./node-tls.ts";
import type { PeerAddress } from "./peer-client.ts";
import { contactOf } from "./peer-list.ts";

export interface PoolNodesOptions {
  readonly uuid: string;
  readonly host: string;
  readonly version: string;
  readonly snapMountRoot: string;
  readonly settings: {
    readonly address: string | undefined;
    readonly hostNames: readonly string[];
    readonly peerPort: number;
  };
  readonly state: () => ClusterState;
  readonly isCluster: () => boolean;
}

export class PoolNodes {
  readonly #options: PoolNodesOptions;

  constructor(options: PoolNodesOptions) {
    this.#options = options;
  }

  others(): NodeDocument[] {
    return nodesInOrder(this.#options.state()).filter((it) => it.uuid !== this.#options.uuid);
  }

  /** Whether a client's address is of a node: it gets the credentials then. */
  isNodeAddress(address: string): boolean {
    return this.others().some((it) =>
      it.address === address || it.contact === address || it.names?.includes(address) === true);
  }

  addressOf(uuid: string): PeerAddress | undefined {
    const node = this.#options.state().nodes.get(uuid)?.document;
    return node === undefined ? undefined : this.peerAddress(node);
  }

  peerAddress(node: NodeDocument): PeerAddress {
    return { host: contactOf(node), port: node.peerPort ?? this.#options.settings.peerPort };
  }

  homeOf(node: NodeDocument): MemberHome {
    const { host, port } = this.peerAddress(node);
    return { host, listen: node.address, clientPort: port + 1, peerPort: port + 2 };
  }

  /** Of this node, before it has a document that says so. */
  home(): MemberHome {
    const own = this.#options.state().nodes.get(this.#options.uuid)?.document;
    if (own === undefined) throw new Error("This node is not declared");
    return this.homeOf(own);
  }

  names(): string[] {
    const { settings } = this.#options;
    const machine = settings.address === undefined ? machineHosts() : [];
    return certificateHosts([...settings.hostNames, settings.address, ...machine])
      .filter((it) => it !== "localhost" && !it.startsWith("127.0.0."));
  }

  facts(): Omit<JoinFacts, "request" | "nowMs"> {
    const { uuid, host, version, snapMountRoot, settings } = this.#options;
    const { volumes, snapshots, nodes } = this.#options.state();
    const isUsed = volumes.size > 0 || snapshots.size > 0;
    const isMember = this.#options.isCluster() || nodes.size > 1;
    return {
      uuid, hostname: host, version, snapMountRoot,
      address: settings.address ?? "0.0.0.0",
      names: this.names(),
      peerPort: settings.peerPort,
      standing: isMember ? "in-a-cluster" : isUsed ? "has-volumes" : "fresh",
    };
  }

  /** Where clients get volfiles: this node first. */
  hosts(): string[] {
    const { settings } = this.#options;
    const own = settings.address === undefined ? [] : [settings.address];
    return [...own, ...this.others().map(contactOf)];
  }
}
