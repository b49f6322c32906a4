/** The members of etcd, asked of itself (etcdserverpb.Cluster through the JSON gateway). */
import { EtcdClient, StoreError } from "@mortar/store";
import type { EtcdAddress } from "@mortar/store";

export interface EtcdMember {
  readonly id: string;
  /** Empty until it was started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** Not a voting one yet. */
  readonly isLearner: boolean;
}

interface MemberAnswer {
  readonly ID: string;
  readonly name?: string;
  readonly peerURLs?: readonly string[];
  readonly isLearner?: boolean;
}

const LIMIT_MS = 10_000;

export class EtcdMembers {
  readonly #client: EtcdClient;

  constructor(address: EtcdAddress) {
    this.#client = new EtcdClient(address);
  }

  async list(): Promise<EtcdMember[]> {
    const answer = await this.#call<{ members?: readonly MemberAnswer[] }>("list", {});
    return (answer.members ?? []).map(memberOf);
  }

  /** Gets all that is written and has no vote; it is to be started then. */
  async addLearner(peerUrl: string): Promise<void> {
    await this.#call("add", { peerURLs: [peerUrl], isLearner: true });
  }

  /** Throws `StoreError` `refused` while it has not all that was written. */
  async promote(id: string): Promise<void> {
    await this.#call("promote", { ID: id });
  }

  async remove(id: string): Promise<void> {
    await this.#call("remove", { ID: id });
  }

  close(): void {
    this.#client.close();
  }

  #call<Answer>(verb: string, body: object): Promise<Answer> {
    const path = `/v3/cluster/member/${verb}`;
    return this.#client.call<Answer>(path, body, "once", { timeoutMs: LIMIT_MS });
  }
}

/** A learner that has not caught up, and a cluster whose members were just exchanged. */
export function isNotReady(error: unknown): boolean {
  return error instanceof StoreError &&
    /in sync|unhealthy|not ready|too many learner|does not answer|leader/.test(error.message);
}

function memberOf({ ID: id, name = "", peerURLs = [], isLearner = false }: MemberAnswer): EtcdMember {
  return { id, name, peerUrls: peerURLs, isLearner };
}
