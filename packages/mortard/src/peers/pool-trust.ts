/** What this node proves itself with: made, and renewed before it is over, while everything runs. */
import type { OpenState } from "../etcd/open-state.ts";
import type { Log } from "../log.ts";
import { ensureAuthority, ensureCertificate } from "./authority.ts";
import { certificateHosts, machineHosts } from "./node-tls.ts";

export interface PoolTrustOptions {
  readonly uuid: string;
  readonly host: string;
  readonly state: OpenState;
  readonly names: () => readonly string[];
  readonly log: Log;
}

export class PoolTrust {
  readonly #options: PoolTrustOptions;
  /** What etcd was connected to with. */
  #used: string | undefined;

  constructor(options: PoolTrustOptions) {
    this.#options = options;
  }

  /** The cluster's authority, and a certificate of it that is good for long enough. */
  async ensure(): ReturnType<typeof ensureAuthority> {
    const { uuid, host, state, names } = this.#options;
    const authority = await ensureAuthority(state.store);
    const hosts = certificateHosts([...names(), host, ...machineHosts()]);
    await ensureCertificate(state.tls, authority, uuid, hosts);
    return authority;
  }

  /** Of a node in a cluster: now and then. */
  async renew(): Promise<void> {
    const { state, log } = this.#options;
    const { membership } = state.membership;
    if (membership.kind !== "etcd") return;
    const former = state.tls.material.certificate;
    try {
      await this.ensure();
      // An etcd of somebody else is reached with files that are renewed by somebody else.
      const { tls } = state.connection.options(membership);
      const used = JSON.stringify(tls);
      if (tls !== undefined && used !== (this.#used ?? used)) state.store.useTls(tls);
      this.#used = used;
      if (state.tls.material.certificate !== former) log.info({}, "the certificate was renewed");
    } catch (error) {
      log.warn({ err: error }, "the certificate of this node is not renewed yet");
    }
  }
}
