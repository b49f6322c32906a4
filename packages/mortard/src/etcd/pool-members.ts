/** The members of etcd as one node sees them: its own, and the document that lists those of all. */
import { type ClusterState, type NodeDocument, nodesInOrder } from "@mortar/cluster";
import { MEMBERS_KEY, type MembersDocument, POOL_PREFIX } from "../cluster-keys.ts";
import type { Log } from "../log.ts";
import { type EtcdSpec, urlOf } from "./etcd-process.ts";
import { keepMembers, type MemberHome } from "./member-keeper.ts";
import { BEFORE_EMBEDDED, type OpenState } from "./open-state.ts";

export interface MemberStart {
  readonly spec: EtcdSpec;
  /** Whatever the node has of another member goes. */
  readonly fresh: boolean;
}

export interface PoolMembersOptions {
  readonly uuid: string;
  readonly open: OpenState;
  readonly state: () => ClusterState;
  readonly homeOf: (node: NodeDocument) => MemberHome;
  /** Runs with the turn. */
  readonly alone: (work: () => Promise<void>) => Promise<void>;
  /** Has another node start its member, or end it. */
  readonly startAt: (node: NodeDocument, start: MemberStart) => Promise<void>;
  readonly endAt: (node: NodeDocument) => Promise<void>;
  readonly log: Log;
}

export class PoolMembers {
  readonly #options: PoolMembersOptions;
  #stopWatch: () => void = () => undefined;

  constructor(options: PoolMembersOptions) {
    this.#options = options;
  }

  open(): void {
    const { store } = this.#options.open;
    this.#stopWatch = store.watch(POOL_PREFIX, ({ changes }) => {
      for (const { key, value } of changes) {
        if (key === MEMBERS_KEY && value !== undefined) this.#are(value as MembersDocument);
      }
    });
  }

  close(): void {
    this.#stopWatch();
    this.#options.open.etcd.close();
  }

  /**
   * Makes the members those that they are to be, of the nodes that stay. Gives what did not
   * succeed, to be tried again later.
   */
  async keep(stays: (node: NodeDocument) => boolean = () => true): Promise<string[]> {
    const { open, uuid, alone, log, homeOf, startAt, endAt, state } = this.#options;
    const { membership } = open.membership;
    if (membership.kind !== "etcd" || membership.external === true) return [];
    if (state().nodes.size < 2) return [];
    const { cluster } = membership;
    try {
      await alone(async () => {
        const endpoints = await keepMembers({
          address: open.connection.options(membership),
          nodes: nodesInOrder(state()).filter((it) => it.goneSinceMs === undefined && stays(it)),
          self: uuid,
          cluster,
          placeOf: homeOf,
          start: async (node, spec, fresh) => {
            if (node.uuid === uuid) await this.start({ spec, fresh });
            else await startAt(node, { spec, fresh });
          },
          end: endAt,
        });
        await this.#write({ schema: 1, cluster, endpoints });
      });
      return [];
    } catch (error) {
      const reason = (error as Error).message;
      log.warn({ err: error }, "the members of etcd are not all as they are to be");
      return [`Not all copies of the cluster's state are there yet: ${reason} It is tried again by itself.`];
    }
  }

  async start({ spec, fresh }: MemberStart): Promise<void> {
    const { etcd } = this.#options.open;
    if (fresh) await etcd.end(undefined);
    if (etcd.spec === undefined) etcd.start(spec);
    else etcd.resume();
  }

  async end(): Promise<void> {
    await this.#options.open.etcd.end(BEFORE_EMBEDDED);
  }

  /** Reads who they are. */
  async refresh(): Promise<void> {
    const entry = await this.#options.open.store.get(MEMBERS_KEY).catch(() => undefined);
    if (entry !== undefined) this.#are(entry.value as MembersDocument);
  }

  async #write(put: MembersDocument): Promise<void> {
    const { store } = this.#options.open;
    const entry = await store.get(MEMBERS_KEY);
    const former = entry?.value as MembersDocument | undefined;
    if (former?.endpoints.join() === put.endpoints.join()) return;
    await store.transaction([{ key: MEMBERS_KEY, expected: entry?.revision ?? "absent", put }]);
  }

  #are({ cluster, endpoints }: MembersDocument): void {
    const { membership: file, store } = this.#options.open;
    const { membership } = file;
    if (membership.kind !== "etcd" || membership.cluster !== cluster) return;
    if (membership.external === true) return;
    const own = this.#ownEndpoint();
    const ordered = endpoints.toSorted((a, b) => Number(b === own) - Number(a === own));
    if (membership.endpoints.join() !== ordered.join()) {
      file.write({ ...membership, endpoints: ordered });
    }
    store.useEndpoints(ordered);
  }

  #ownEndpoint(): string {
    const own = this.#options.state().nodes.get(this.#options.uuid)?.document;
    if (own === undefined) return "";
    const { host, clientPort } = this.#options.homeOf(own);
    return urlOf(host, clientPort);
  }
}
