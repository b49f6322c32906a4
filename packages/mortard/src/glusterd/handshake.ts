/**
 * The handshake program of the management port: volfiles, facts, and news of changed volfiles.
 *
 * A client keeps the connection over which it fetched its volfile. When the text that its key
 * stands for changes, it is told to fetch again (FETCHSPEC), once for each change.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type ClusterState, type VolfileAnswer, type VolfileRequest, volfileFor } from "@mortar/cluster";
import {
  Dictionary,
  GETSPEC_SERVERS_LIST,
  PROGRAM,
  callback,
  dump,
  eventNotify,
  getSnapshotInfo,
  getSpec,
  getVolumeInfo,
  handshakePing,
  ping,
  setLockVersion,
} from "@mortar/gluster";
import type { Log } from "../log.ts";
import { type RpcConnection, type RpcService, service } from "./rpc-server.ts";

const ENOENT = 2;
const EINVAL = 22;
const EOPNOTSUPP = 95;
const errnoOf = { ENOENT, EINVAL, ENOTSUP: EOPNOTSUPP } as const;

/** Oldest version of the operating rules that a client must know for our volfiles; stock's too. */
const CLIENT_OP_VERSION = 2;
/** Newest version that we know: GlusterFS 10. */
const OP_VERSION = 100_000;
const WANTS_ID = 1;
/** More keys than any process asks for over one connection. */
const WATCHES_MAX = 1024;

export interface HandshakeOptions {
  /** Absolute; bricks keep small things of their volume below it. */
  readonly stateDirectory: string;
  /** The only address that bricks listen on; absent: all. */
  readonly address: string | undefined;
  readonly state: () => ClusterState;
  readonly isTrusted: (address: string) => boolean;
  /** "host:port" of every node of the pool. */
  readonly servers: () => readonly string[];
  /** A rebalance process tells how far it is. */
  readonly rebalanceTold: (told: Dictionary) => void;
  readonly log: Log;
}

interface Wanted {
  readonly key: string;
  /** A node of the trusted pool gets the credentials. */
  readonly trusted: boolean;
}

/** The same for whoever asks: clients, stock bricks, and the bricks that mortard starts. */
export function volfileRequest(
  { key, trusted }: Wanted,
  stateDirectory: string,
  bindAddress: string | undefined,
): VolfileRequest {
  return {
    key,
    trusted,
    stateDirectoryOf: (volume) => join(stateDirectory, "volumes", volume),
    ...(bindAddress === undefined ? {} : { bindAddress }),
  };
}

interface Watch extends Wanted {
  checksum: string;
}

export class Handshake {
  readonly #options: HandshakeOptions;
  readonly #watches = new Map<RpcConnection, Map<string, Watch>>();

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  services(): RpcService[] {
    const result = { opRet: 0, opErrno: 0 };
    return [
      service(dump, () => ({ id: { high: 0, low: 0 }, ...result, programs: advertised })),
      service(ping, () => ({ ...result, extra: new Uint8Array(0) })),
      service(handshakePing, () => ({ ...result, extra: new Uint8Array(0) })),
      service(getSpec, (request, connection) => this.#getSpec(request, connection)),
      service(setLockVersion, ({ lockVersion }) => ({ ...result, lockVersion })),
      service(eventNotify, ({ dictionary }) => {
        this.#options.rebalanceTold(dictionary);
        return { ...result, dictionary: new Dictionary() };
      }),
      service(getVolumeInfo, ({ dictionary }) => this.#volumeInfo(dictionary)),
      service(getSnapshotInfo, ({ dictionary }) => this.#snapshotInfo(dictionary)),
    ];
  }

  /** Tells every client whose volfile has another text now. */
  stateChanged(): void {
    const seen = new Map<string, string | undefined>();
    for (const [connection, watches] of this.#watches) {
      let changed = false;
      for (const watch of watches.values()) {
        const now = this.#checksumOf(watch, seen);
        // A volume that is gone is no news: its clients lose their bricks.
        if (now === undefined || now === watch.checksum) continue;
        watch.checksum = now;
        changed = true;
      }
      if (!changed) continue;
      this.#options.log.debug({ to: connection.remoteAddress }, "told to fetch its volfile again");
      connection.callback(PROGRAM.callback, callback.fetchSpec.number);
    }
  }

  /** The volfile as this node's own processes get it; undefined: there is none. */
  textOf(key: string): string | undefined {
    const answer = this.#volfileFor({ key, trusted: true });
    return answer.ok ? answer.text : undefined;
  }

  #checksumOf(watch: Watch, seen: Map<string, string | undefined>): string | undefined {
    const id = `${watch.trusted ? "trusted" : "plain"} ${watch.key}`;
    if (!seen.has(id)) {
      const answer = this.#volfileFor(watch);
      seen.set(id, answer.ok ? checksumOf(answer.text) : undefined);
    }
    return seen.get(id);
  }

  #volfileFor({ key, trusted }: Wanted): VolfileAnswer {
    const { state, stateDirectory, address } = this.#options;
    return volfileFor(state(), volfileRequest({ key, trusted }, stateDirectory, address));
  }

  #getSpec(
    request: { flags: number; key: string; extra: Dictionary },
    connection: RpcConnection,
  ): { opRet: number; opErrno: number; spec: string; extra: Dictionary } {
    const { log, isTrusted, servers } = this.#options;
    const asked = { from: connection.remoteAddress, key: request.key };
    const extra = new Dictionary();
    const refusal = versionRefusal(request.extra);
    if (refusal !== undefined) {
      log.warn({ ...asked, reason: refusal }, "volfile refused");
      return { opRet: -1, opErrno: EOPNOTSUPP, spec: "", extra };
    }
    const wanted = { key: request.key, trusted: isTrusted(connection.remoteAddress) };
    const answer = this.#volfileFor(wanted);
    if (!answer.ok) {
      log.warn({ ...asked, reason: answer.reason }, "volfile refused");
      return { opRet: -1, opErrno: errnoOf[answer.errno], spec: "", extra };
    }
    this.#watch(connection, { ...wanted, checksum: checksumOf(answer.text) });
    log.info({ ...asked, trusted: wanted.trusted }, "volfile served");
    if ((request.flags & GETSPEC_SERVERS_LIST) !== 0) {
      const list = servers();
      if (list.length > 0) extra.set("servers-list", list.join(" "));
    }
    return { opRet: Buffer.byteLength(answer.text), opErrno: 0, spec: answer.text, extra };
  }

  #watch(connection: RpcConnection, watch: Watch): void {
    let watches = this.#watches.get(connection);
    if (watches === undefined) {
      watches = new Map();
      this.#watches.set(connection, watches);
      connection.onClose(() => this.#watches.delete(connection));
    }
    if (watches.size < WATCHES_MAX || watches.has(watch.key)) watches.set(watch.key, watch);
  }

  #volumeInfo(dictionary: Dictionary): InfoReply {
    const name = dictionary.text("volname");
    if (name === undefined) return refuse(EINVAL, "volname is missing");
    const volume = this.#options.state().volumes.get(name)?.document;
    if (volume === undefined) return refuse(ENOENT, `Volume ${name} does not exist`);
    const reply = new Dictionary();
    if (((dictionary.integer("flags") ?? WANTS_ID) & WANTS_ID) !== 0) {
      reply.set("volume_id", volume.id);
    }
    return { opRet: 0, opErrno: 0, opErrstr: "", dictionary: reply };
  }

  /** What the snapshot daemon shows: activated snapshots, counted from 1. */
  #snapshotInfo(dictionary: Dictionary): InfoReply {
    const name = dictionary.text("volname");
    if (name === undefined) return refuse(EINVAL, "volname is missing");
    const state = this.#options.state();
    if (!state.volumes.has(name)) return refuse(ENOENT, `Volume ${name} does not exist`);
    const reply = new Dictionary();
    let count = 0;
    for (const { document } of state.snapshots.values()) {
      if (document.kind !== "user") continue;
      for (const snap of document.volumes) {
        if (snap.origin !== name || snap.status !== "Started") continue;
        count += 1;
        reply.set(`snapname.${count}`, document.name);
        reply.set(`snap-id.${count}`, document.id);
        reply.set(`snap-volname.${count}`, snap.name);
      }
    }
    reply.set("snap-count", count);
    return { opRet: 0, opErrno: 0, opErrstr: "", dictionary: reply };
  }
}

interface InfoReply {
  opRet: number;
  opErrno: number;
  opErrstr: string;
  dictionary: Dictionary;
}

/** A client goes to the portmapper because the list holds it; docs/formats/gluster-management.md. */
const advertised = [PROGRAM.portmap, PROGRAM.handshake, PROGRAM.dump].map((program) => ({
  name: program.name,
  number: program.number,
  version: program.version,
}));

function refuse(opErrno: number, opErrstr: string): InfoReply {
  return { opRet: -1, opErrno, opErrstr, dictionary: new Dictionary() };
}

function checksumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function versionRefusal(extra: Dictionary): string | undefined {
  const newest = extra.integer("max-op-version");
  const oldest = extra.integer("min-op-version");
  if (newest !== undefined && newest < CLIENT_OP_VERSION) {
    return `the client knows op-version ${newest} at most, ${CLIENT_OP_VERSION} is needed`;
  }
  if (oldest !== undefined && oldest > OP_VERSION) {
    return `the client needs op-version ${oldest} at least, this node has ${OP_VERSION}`;
  }
  return undefined;
}
