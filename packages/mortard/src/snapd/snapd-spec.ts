/** What a snapshot daemon is told, as plain JSON, and what it takes from its volfile. */
import { authenticationOf, type BrickSpec } from "@mortar/brick";
import { ANONYMOUS_ID, type SquashRule } from "@mortar/brick-services";
import { parseBoolean, parseVolfile } from "@mortar/gluster";

export interface SnapdSpec {
  readonly volume: string;
  readonly volfile: string;
  readonly controlSocket: string;
  readonly pidFile: string;
  readonly address?: string;
  readonly port: number;
  /** Where mortard serves volfiles, and where commands. */
  readonly managementPort: number;
  readonly mortardSocket: string;
  /** libgfapi writes there. */
  readonly clientLog: string;
  /** A snapshot that nobody looked into for so long is closed. */
  readonly idleMs: number;
}

export interface SnapdAccess {
  /** As far as letting clients in depends on it. */
  readonly admission: BrickSpec;
  readonly squash: SquashRule;
}

/** Throws GlusterError for a text that is no volfile, and Error for what is not served. */
export function accessOf({ volume, controlSocket }: SnapdSpec, volfile: string): SnapdAccess {
  const graph = parseVolfile(volfile);
  const server = graph.translators.at(-1);
  const exportName = server?.subvolumes[0];
  const stats = graph.translators.find(({ name }) => name === exportName);
  const volumeId = stats?.options.get("volume-id");
  if (server === undefined || exportName === undefined || volumeId === undefined) {
    throw new Error("it is no volfile of a snapshot daemon");
  }
  const isOn = (key: string): boolean => parseBoolean(server.options.get(key) ?? "off") === true;
  if (isOn("transport.socket.ssl-enabled")) {
    throw new Error("server.ssl is on, which the snapshot daemon does not serve: set features.uss off");
  }
  const number = (key: string): number => Number(server.options.get(key) ?? ANONYMOUS_ID);
  const authentication = authenticationOf(server.options, exportName);
  return {
    admission: { path: "/", volume, volumeId, exportName, controlSocket, authentication },
    squash: {
      root: isOn("root-squash"), all: isOn("all-squash"),
      anonymousUid: number("anonuid"), anonymousGid: number("anongid"),
    },
  };
}
