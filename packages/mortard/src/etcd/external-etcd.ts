/**
 * An etcd that somebody else runs (`etcdCluster` in mortar.json), in place of members of our own.
 *
 * The state of a cluster is below PREFIX/CLUSTER there, CLUSTER being its uuid: what an interrupted
 * move has left is in nobody's way, and several clusters may share an etcd.
 */
import { readFileSync } from "node:fs";
import type { EtcdClusterSettings } from "@mortar/api";
import type { EtcdStoreOptions, EtcdTls } from "@mortar/store";

const PREFIX = "mortar";

export class ExternalEtcd {
  readonly #settings: EtcdClusterSettings;

  constructor(settings: EtcdClusterSettings) {
    this.#settings = settings;
  }

  get endpoints(): readonly string[] {
    return this.#settings.endpoints;
  }

  /** Reads the files anew: they are renewed by whoever runs it. Throws with the file's name. */
  options(cluster: string): EtcdStoreOptions {
    const { endpoints, prefix = PREFIX, user, password = "" } = this.#settings;
    const tls = this.#tls();
    return {
      endpoints,
      prefix: `${prefix}/${cluster}`,
      ...(tls === undefined ? {} : { tls }),
      ...(user === undefined ? {} : { login: { user, password } }),
    };
  }

  #tls(): EtcdTls | undefined {
    const { ca, certificate, key } = this.#settings;
    if (ca === undefined) return undefined;
    return {
      ca: textOf(ca),
      ...(certificate === undefined ? {} : { certificate: textOf(certificate) }),
      ...(key === undefined ? {} : { key: textOf(key) }),
    };
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Error(`etcdCluster in mortar.json: ${(cause as Error).message}`, { cause });
  }
}
