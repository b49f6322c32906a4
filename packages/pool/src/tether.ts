/**
 * Holder and server are tied together by a socket pair, whichever of them started the other:
 *
 *     fd 3   /dev/fuse        both have it, so the connection lives while one of them lives
 *     fd 4   the tether       its end tells that the other process is gone, with all its threads
 *     fd 5   its own pid file, locked by the process that started it
 *
 * Whoever sees the end of the tether starts the other one anew. The kernel closes it, so no signal,
 * exit code or pid is relied on, and it makes no difference who is whose child.
 *
 * The lock on the pid file is taken before the process is started and handed over with it: from the
 * first moment on everyone else sees that it lives, and two of a kind cannot be started.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { flockWithin } from "@mortar/linux";
import { LOCK_MS_MAX } from "./life-lock.ts";
import type { Program } from "./program.ts";

/**
 * What they tell each other. The holder has one word, `holding`: it is at work. The server says
 * `serving` when it is, and `devices`: there are other devices to keep open. Its others are last
 * words, and a server that ends without one has died.
 *
 * - `stopped`: on request; unmount, clean up, end.
 * - `replaced`: makes room for a new one, which is to be started at once.
 * - `refused`: spec or pool were refused; no use in trying again at once.
 */
export type Word = "holding" | "serving" | "devices" | LastWord;
export type LastWord = "stopped" | "replaced" | "refused";

export interface Tether {
  /** Sent before this returns, so it arrives even if the process ends right after. */
  say(word: Word): void;
}

export interface TetherEvents {
  heard(word: Word): void;
  /** Once, when the other process is gone and all its words were heard. */
  gone(): void;
}

/** The name of both processes, their argv[0]. */
export const ROOT_STORAGE_NAME = "@mortar-pool";

/** Handed over to whoever is started. */
export const FUSE_FD = 3;
const TETHER_FD = 4;
export const LIFE_LOCK_FD = 5;

export interface Started {
  readonly pid: number;
  readonly tether: Tether;
}

/** To the process that started this one. */
export function tetherToStarter(on: TetherEvents): Tether {
  return tie(new Socket({ fd: TETHER_FD, readable: true, writable: true }), on);
}

/**
 * Past the socket object, for that would throw away what the other process said before it ended,
 * its last word, if it is gone by now.
 */
export function sayToStarter(word: Word): void {
  try {
    writeSync(TETHER_FD, `${word}\n`);
  } catch {
    // The end of the tether tells it.
  }
}

/**
 * Start a module of an installation of this package. Throws when it could not be started, or when
 * its pid file is locked: then one of its kind lives already.
 *
 * Its name begins with @, by which systemd knows processes that file systems hang on: they outlive
 * the killing at the end of a shutdown.
 */
export async function startTethered(
  start: {
    readonly program: Program;
    readonly module: "holder-host.js" | "server-host.js";
    readonly arguments: readonly string[];
    readonly nodeOptions: readonly string[];
    readonly pidFile: string;
    /** Of /dev/fuse, in this process. */
    readonly fuse: number;
    /** In a session of its own. */
    readonly detached: boolean;
  },
  on: TetherEvents,
): Promise<Started> {
  const lock = openSync(start.pidFile, "a", 0o600);
  try {
    // Whoever looks whether it lives holds the lock for a moment.
    if (!(await flockWithin(lock, "exclusive", start.pidFile, LOCK_MS_MAX)))
      throw new Error(`${start.pidFile} is locked: its process lives`);
    const { node, directory } = start.program;
    const module = join(directory, start.module);
    const child = spawn(node, [...start.nodeOptions, module, ...start.arguments], {
      argv0: ROOT_STORAGE_NAME,
      cwd: "/",
      detached: start.detached,
      stdio: ["ignore", "inherit", "inherit", start.fuse, "pipe", lock],
    });
    const socket = child.stdio[TETHER_FD] as (Readable & Writable) | null | undefined;
    if (child.pid === undefined || !socket) throw await failureOf(child);
    return { pid: child.pid, tether: tie(socket, on) };
  } finally {
    closeSync(lock); // The started process has it now.
  }
}

function failureOf(child: ReturnType<typeof spawn>): Promise<Error> {
  return new Promise((resolve) => {
    child.once("error", resolve);
  });
}

function tie(socket: Readable & Writable, on: TetherEvents): Tether {
  let text = "";
  let ended = false;
  socket.setEncoding("latin1");
  socket.on("data", (part: string) => {
    text += part;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      on.heard(text.slice(0, end) as Word);
      text = text.slice(end + 1);
    }
  });
  const gone = (): void => {
    if (ended) return;
    ended = true;
    socket.destroy();
    on.gone();
  };
  socket.on("end", gone);
  socket.on("close", gone);
  socket.on("error", () => undefined); // "close" comes next.
  return { say: (word) => void (ended || socket.write(`${word}\n`)) };
}
