/** Portmap: clients ask on which port a brick listens, bricks tell that they do. */
import { setTimeout as sleep } from "node:timers/promises";
import { brickByPort, portByBrick, signIn, signOut } from "@mortar/gluster";
import type { Log } from "../log.ts";
import { type RpcConnection, type RpcService, service } from "./rpc-server.ts";

const ENOENT = 2;
const EACCES = 13;

export interface BrickPorts {
  portOf(path: string): number | undefined;
  /** It is just being started. */
  isComing?(path: string): boolean;
  pathOf(port: number): string | undefined;
  signIn(path: string, port: number, pid: number): void;
  signOut(path: string): void;
}

export interface PortmapOptions {
  readonly ports: BrickPorts;
  /** Only processes of this machine sign in. */
  readonly isLocal: (address: string) => boolean;
  readonly log: Log;
}

const COMING_MAX_MS = 2_000;
const LOOK_MS = 20;

/** A client that is refused comes again after three seconds: a brick's start is sooner over. */
async function portSoon(ports: BrickPorts, brick: string): Promise<number | undefined> {
  const until = performance.now() + COMING_MAX_MS;
  for (;;) {
    const port = ports.portOf(brick);
    const waits = port === undefined && ports.isComing?.(brick) === true;
    if (!waits || performance.now() >= until) return port;
    await sleep(LOOK_MS);
  }
}

export function portmapServices({ ports, isLocal, log }: PortmapOptions): RpcService[] {
  const refused = (connection: RpcConnection, call: string) => {
    log.warn({ from: connection.remoteAddress, call }, "refused: not a process of this node");
    return { opRet: -1, opErrno: EACCES };
  };
  return [
    service(portByBrick, async ({ brick }, connection) => {
      const port = await portSoon(ports, brick);
      if (port === undefined) {
        log.info({ from: connection.remoteAddress, brick }, "refused: the brick is not online");
        return { opRet: -1, opErrno: ENOENT, status: 0, port: 0 };
      }
      return { opRet: 0, opErrno: 0, status: 0, port };
    }),
    service(brickByPort, ({ port }) => {
      const brick = ports.pathOf(port);
      if (brick === undefined) return { opRet: -1, opErrno: ENOENT, status: 0, brick: "" };
      return { opRet: 0, opErrno: 0, status: 0, brick };
    }),
    service(signIn, ({ brick, port, pid }, connection) => {
      if (!isLocal(connection.remoteAddress)) return refused(connection, "SIGNIN");
      ports.signIn(brick, port, pid);
      return { opRet: 0, opErrno: 0 };
    }),
    service(signOut, ({ brick }, connection) => {
      if (!isLocal(connection.remoteAddress)) return refused(connection, "SIGNOUT");
      ports.signOut(brick);
      return { opRet: 0, opErrno: 0 };
    }),
  ];
}
