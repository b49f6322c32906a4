/**
 * What is spoken before the fops: DUMP tells what is served, PING that we live, SETVOLUME lets a
 * client in.
 */
import {
  Dictionary, dump, handshakePing, ping, PROGRAM, setLockVersion, setVolume,
} from "@mortar/gluster";
import { addressMatches } from "./address-pattern.ts";
import type { BrickSpec } from "../spec.ts";
import { Errno } from "../store/errno.ts";
import type { Peer } from "@mortar/linux";

const SERVED = [PROGRAM.fops, PROGRAM.dump, PROGRAM.handshake];

export function dumpReply(): Uint8Array {
  const programs = SERVED.map(({ name, number, version }) => ({ name, number, version }));
  return dump.encodeReply({ id: { high: 0, low: 0 }, opRet: 0, opErrno: 0, programs });
}

export function pingReply(): Uint8Array {
  return ping.encodeReply({ opRet: 0, opErrno: 0, extra: new Uint8Array(0) });
}

export function handshakePingReply(): Uint8Array {
  return handshakePing.encodeReply({ opRet: 0, opErrno: 0, extra: new Uint8Array(0) });
}

export function lockVersionReply(args: Uint8Array): Uint8Array {
  const { lockVersion } = setLockVersion.decodeRequest(args);
  return setLockVersion.encodeReply({ opRet: 0, opErrno: 0, lockVersion });
}

export interface Introduction {
  /** Undefined: it was refused. */
  readonly identity: string | undefined;
  readonly reply: Uint8Array;
}

interface Refusal {
  readonly errno: number;
  readonly text: string;
}

/** `brickIdentity` is what the client is told of us. Throws GlusterError. */
export function introduce(
  spec: BrickSpec, brickIdentity: string, peer: Peer, args: Uint8Array,
): Introduction {
  const { dictionary } = setVolume.decodeRequest(args);
  const refusal = refuse(spec, peer, dictionary);
  if (refusal !== undefined) {
    const reply = setVolume.encodeReply({
      opRet: -1, opErrno: refusal.errno, dictionary: Dictionary.of({ ERROR: refusal.text }),
    });
    return { identity: undefined, reply };
  }
  const reply = setVolume.encodeReply({
    opRet: 0, opErrno: 0,
    dictionary: Dictionary.of({
      ERROR: "Success",
      "process-uuid": brickIdentity,
      "volume-id": spec.volumeId,
      child_up: 1,
      "clnt-lk-version": 0,
      "transport-ptr": 1,
    }),
  });
  return { identity: dictionary.text("process-uuid"), reply };
}

/** The checks in GlusterFS's order, with its words: clients log them. */
function refuse(spec: BrickSpec, peer: Peer, dictionary: Dictionary): Refusal | undefined {
  const name = dictionary.text("remote-subvolume");
  if (name === undefined) {
    return { errno: Errno.EINVAL, text: "No remote-subvolume option specified" };
  }
  if (name !== (spec.exportName ?? spec.path)) {
    return { errno: Errno.ENOENT, text: `remote-subvolume "${name}" is not found` };
  }
  if (dictionary.text("process-uuid") === undefined) {
    return { errno: Errno.EINVAL, text: "UUID not specified" };
  }
  const volumeId = dictionary.text("volume-id");
  if (volumeId !== undefined && volumeId !== spec.volumeId) {
    return {
      errno: Errno.ESTALE,
      text: "Volume-ID different, possible case of same brick re-used in another volume",
    };
  }
  if (dictionary.text("fops-version") === undefined) {
    return { errno: Errno.EINVAL, text: "No FOP version number specified" };
  }
  if (!isAuthenticated(spec, peer, dictionary)) {
    return { errno: Errno.EACCES, text: "Authentication failed" };
  }
  const subdirectory = dictionary.text("subdir-mount");
  if (subdirectory !== undefined && subdirectory !== "/") {
    return {
      errno: Errno.ENOENT, text: `subdirectory for mount "${subdirectory}" is not found`,
    };
  }
  return undefined;
}

/** By name and password if it has valid ones, else by its address. */
function isAuthenticated(spec: BrickSpec, peer: Peer, dictionary: Dictionary): boolean {
  const rules = spec.authentication;
  const username = dictionary.text("username");
  const password = dictionary.text("password");
  if (username !== undefined && password !== undefined) {
    const logins = rules?.logins ?? [];
    if (logins.some((login) => login.username === username && login.password === password)) {
      return true;
    }
  }
  const isIn = (patterns: readonly string[]): boolean =>
    patterns.some((pattern) => addressMatches(pattern, peer.address));
  if (isIn(rules?.reject ?? [])) return false;
  return isIn(rules?.allow ?? ["*"]);
}
