/** How this node connects to the etcd that its membership names. */
import { EtcdStore, type EtcdStoreOptions, StoreError } from "@mortar/store";
import { MEMBERS_KEY, type MembersDocument } from "../cluster-keys.ts";
import type { NodeTls } from "../peers/node-tls.ts";
import type { ExternalEtcd } from "./external-etcd.ts";
import type { Membership } from "./membership-file.ts";

export type EtcdMembership = Extract<Membership, { kind: "etcd" }>;

export class StateConnection {
  readonly #tls: NodeTls;
  /** Undefined: members of our own. */
  readonly external: ExternalEtcd | undefined;

  constructor(tls: NodeTls, external: ExternalEtcd | undefined) {
    this.#tls = tls;
    this.external = external;
  }

  /** Throws when the state is in an etcd that mortar.json does not name. */
  options({ cluster, endpoints, external = false }: EtcdMembership): EtcdStoreOptions {
    if (!external) {
      const { key, certificate, authority = "" } = this.#tls.material;
      return { endpoints, tls: { ca: authority, certificate, key } };
    }
    if (this.external !== undefined) return this.external.options(cluster);
    throw new Error(
      "The state of this cluster is in an etcd of somebody else, and mortar.json does not say " +
        "how to reach it. Next: write `etcdCluster` into it as on the other nodes",
    );
  }

  /**
   * Throws `StoreError`: `unavailable` also when what answers there is another cluster, which a
   * recovery that was interrupted may have left.
   */
  async open(membership: EtcdMembership): Promise<EtcdStore> {
    const store = await this.openNew(membership);
    const members = (await store.get(MEMBERS_KEY))?.value as MembersDocument | undefined;
    if (members?.cluster === membership.cluster) return store;
    await store.close();
    const shown = members === undefined ? "no cluster's" : `that of the cluster ${members.cluster}`;
    throw new StoreError(
      "unavailable", `The state in etcd is ${shown}, not that of ${membership.cluster}.`,
    );
  }

  /** One that may have nothing yet. */
  async openNew(membership: EtcdMembership): Promise<EtcdStore> {
    return await EtcdStore.open(this.options(membership));
  }
}
