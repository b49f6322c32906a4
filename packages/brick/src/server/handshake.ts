/**
 * What is spoken before the fops: DUMP tells what is served, PING that we live, SETVOLUME lets a
 * client in.
 */
import {
  Dictionary, dump, handshakePing, ping, PROGRAM, setLockVersion, setVolume,
} from "@mortar/gluster";
import { completeOptions } from "../options.ts";
import type { BrickSpec } from "../spec.ts";
import { Errno } from "../store/errno.ts";
import { admits } from "./admission.ts";
import type { Applicant } from "./admission.ts";

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

/** Where a connection comes from; with TLS, whom it belongs to. */
export interface ConnectedPeer {
  readonly address: string;
  readonly port: number;
  readonly commonName?: string;
}

/** A client that was let in. */
export interface Newcomer {
  /** `process-uuid`: of this connection. */
  readonly identity: string;
  readonly processName: string;
  readonly version: string;
  /** Of the client's GlusterFS: 100000 is 10.0. */
  readonly opVersion: number;
  readonly applicant: Applicant;
  /** The gfid of the directory that it has mounted; undefined: the root. */
  readonly directoryGfid: Uint8Array | undefined;
}

export interface Introduction {
  /** Undefined: it was refused. */
  readonly newcomer: Newcomer | undefined;
  readonly reply: Uint8Array;
}

interface Refusal {
  readonly errno: number;
  readonly text: string;
}

/** The gfid of a directory by its path; undefined when there is none. */
export type FindDirectory = (path: string) => Uint8Array | undefined;

/** `brickIdentity` is what the client is told of us. Throws GlusterError. */
export function introduce(
  spec: BrickSpec, brickIdentity: string, peer: ConnectedPeer, args: Uint8Array,
  findDirectory: FindDirectory,
): Introduction {
  const { dictionary } = setVolume.decodeRequest(args);
  const result = admit(spec, peer, dictionary, findDirectory);
  if ("errno" in result) {
    const facts = Dictionary.of({ ERROR: result.text, "process-uuid": brickIdentity });
    const reply = setVolume.encodeReply({
      opRet: -1, opErrno: result.errno, dictionary: facts,
    });
    return { newcomer: undefined, reply };
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
  return { newcomer: result, reply };
}

/** The checks in GlusterFS's order, with its words: clients log them. */
function admit(
  spec: BrickSpec, peer: ConnectedPeer, dictionary: Dictionary, findDirectory: FindDirectory,
): Newcomer | Refusal {
  const name = dictionary.text("remote-subvolume");
  if (name === undefined) {
    return { errno: Errno.EINVAL, text: "No remote-subvolume option specified" };
  }
  if (name !== (spec.exportName ?? spec.path)) {
    return { errno: Errno.ENOENT, text: `remote-subvolume "${name}" is not found` };
  }
  const identity = dictionary.text("process-uuid");
  if (identity === undefined) return { errno: Errno.EINVAL, text: "UUID not specified" };
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
  const directory = normalPath(dictionary.text("subdir-mount"));
  const applicant: Applicant = {
    ...peer, directory, username: dictionary.text("username"),
    password: dictionary.text("password"),
  };
  const { allowsInsecurePorts } = completeOptions(spec.options);
  if (!admits(spec.authentication, allowsInsecurePorts, applicant)) {
    return { errno: Errno.EACCES, text: "Authentication failed" };
  }
  const directoryGfid = directory === "/" ? undefined : findDirectory(directory);
  if (directory !== "/" && directoryGfid === undefined) {
    return { errno: Errno.ENOENT, text: `subdirectory for mount "${directory}" is not found` };
  }
  const processName = dictionary.text("process-name") ?? "";
  const version = dictionary.text("client-version") ?? "";
  const opVersion = dictionary.integer("opversion") ?? 0;
  return { identity, processName, version, opVersion, applicant, directoryGfid };
}

function normalPath(path: string | undefined): string {
  return `/${(path ?? "").split("/").filter((part) => part !== "").join("/")}`;
}
