/**
 * The main thread's side of NBD: it listens and accepts. A connection without TLS is handed to the
 * worker as a descriptor, and from then on costs this thread nothing.
 *
 * A server that takes the place of another listens at the same addresses again: clients reconnect.
 */
import { closeSync, fdatasync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { duplicateFd, listenTcp, listenUnix } from "@mortar/linux";
import type { ControlReply } from "./control.ts";
import { log } from "./log.ts";
import type { NbdUsage, NbdWorkerRequest } from "./nbd-host.ts";
import { parseAddress } from "./nbd-listener.ts";
import type { NbdAddress, NbdListener, NbdStatus } from "./nbd-listener.ts";
import { readTlsFiles, serveTls } from "./nbd-tls.ts";
import { PoolError } from "./pool-error.ts";
import { replaceFile, socketAddress } from "./run-directory.ts";
import type { FlushFailure } from "./device-table.ts";
import type { RunFiles } from "./run-directory.ts";

const RETRY_MS = 1000;
const EIO = 5;

type Ask = (request: NbdWorkerRequest) => Promise<ControlReply>;

interface Open {
  readonly server: Server;
  listener: NbdListener;
}

export class NbdListeners {
  readonly #files: RunFiles;
  readonly #failure: FlushFailure;
  readonly #ask: Ask;
  readonly #open = new Map<NbdAddress, Open>();
  /** What should be open, in the order in which it was asked for. */
  #wanted: NbdListener[];

  constructor(files: RunFiles, failure: FlushFailure, ask: Ask) {
    this.#files = files;
    this.#failure = failure;
    this.#ask = ask;
    this.#wanted = readWanted(files.nbdListeners);
  }

  /** Listen everywhere. What fails is logged, and tried again: the rest of the server lives on. */
  start(): void {
    try {
      const address = socketAddress(this.#files, this.#files.nbdSocket);
      this.#serve(listenUnix(address.path), () => undefined);
    } catch (error) {
      log(`NBD: ${(error as Error).message}`);
    }
    this.#openWanted();
  }

  /** Export one more LV at an address. Throws PoolError. */
  export(request: { address: NbdAddress; volume: string; tlsDirectory: string | null }): void {
    const { address, volume, tlsDirectory } = request;
    const known = this.#wanted.find((listener) => listener.address === address);
    if (known !== undefined && known.tlsDirectory !== tlsDirectory) {
      const how = known.tlsDirectory === null ? "without TLS" : `with TLS of ${known.tlsDirectory}`;
      throw new PoolError("exists", `${address} is open ${how}: unexport it there first`);
    }
    const volumes = [...new Set([...(known?.volumes ?? []), volume])];
    const listener = { address, volumes, tlsDirectory };
    this.#openListener(listener);
    this.#keep([...this.#wanted.filter((each) => each.address !== address), listener]);
  }

  /** At one address, or everywhere. Clients that are connected stay. */
  unexport(request: { volume: string; address: NbdAddress | null }): "done" | "unchanged" {
    const { volume, address } = request;
    let changed: "done" | "unchanged" = "unchanged";
    const wanted = this.#wanted.map((listener) => {
      const meant = address === null || listener.address === address;
      if (!meant || !listener.volumes.includes(volume)) return listener;
      changed = "done";
      return { ...listener, volumes: listener.volumes.filter((name) => name !== volume) };
    });
    for (const listener of wanted) {
      const open = this.#open.get(listener.address);
      if (open !== undefined) open.listener = listener;
      if (listener.volumes.length === 0) this.#closeListener(listener.address);
    }
    this.#keep(wanted.filter((listener) => listener.volumes.length > 0));
    return changed;
  }

  async status(): Promise<NbdStatus> {
    const reply = await this.#ask({ verb: "nbd-status" });
    if (!reply.ok) throw new PoolError(reply.code, reply.message);
    return {
      socket: this.#files.nbdSocket,
      listeners: this.#wanted,
      connections: reply.result as NbdUsage,
    };
  }

  /** Requests wait for room in the pool. */
  retryParked(): void {
    setTimeout(() => void this.#retryNow(), RETRY_MS);
  }

  async #retryNow(): Promise<void> {
    const reply = await this.#ask({ verb: "nbd-retry" });
    if (reply.ok && (reply.result as number) > 0) this.retryParked();
  }

  /** For the worker, which goes on meanwhile. */
  async flush(fds: readonly number[]): Promise<void> {
    const beganMs = performance.now();
    const errnos = await Promise.all(fds.map(flushDescriptor));
    const errno = errnos.find((one) => one !== 0) ?? 0;
    if (errno !== 0) this.#failure.flushError = errno; // Nobody who opens them later is told.
    await this.#ask({ verb: "nbd-flushed", errno, tookMs: performance.now() - beganMs });
  }

  /** No new connections; the sockets' names go away. */
  close(): void {
    for (const address of this.#open.keys()) this.#closeListener(address);
  }

  #openWanted(): void {
    let failed = false;
    for (const listener of this.#wanted) {
      try {
        this.#openListener(listener);
      } catch (error) {
        log(`NBD: ${(error as Error).message}`);
        failed = true;
      }
    }
    if (failed) setTimeout(() => this.#openWanted(), RETRY_MS).unref();
  }

  #openListener(listener: NbdListener): void {
    const open = this.#open.get(listener.address);
    if (open !== undefined) {
      open.listener = listener;
      return;
    }
    const fd = listenAt(listener);
    const server = this.#serve(fd, () => this.#open.get(listener.address)?.listener);
    this.#open.set(listener.address, { server, listener });
  }

  #closeListener(address: NbdAddress): void {
    const open = this.#open.get(address);
    if (open === undefined) return;
    this.#open.delete(address);
    open.server.close();
    const parsed = parseAddress(address);
    if (parsed.kind === "unix") rmSync(parsed.path, { force: true });
  }

  #keep(wanted: NbdListener[]): void {
    this.#wanted = wanted;
    replaceFile(this.#files.nbdListeners, JSON.stringify(wanted));
  }

  #serve(fd: number, listener: () => NbdListener | undefined): Server {
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      const { volumes, tlsDirectory } = listener() ?? { volumes: undefined, tlsDirectory: null };
      const connect = (connected: number): Promise<boolean> =>
        this.#connect(connected, volumes);
      if (tlsDirectory === null) void connect(takeDescriptor(socket));
      else {
        socket.resume();
        serveTls(socket, tlsDirectory, connect);
      }
    });
    server.on("error", (error) => log(`NBD: ${error.message}`));
    return server.listen({ fd });
  }

  async #connect(fd: number, volumes: readonly string[] | undefined): Promise<boolean> {
    const reply = await this.#ask({ verb: "nbd-connect", fd, ...(volumes && { volumes }) });
    if (reply.ok) return true;
    log(`NBD: a client is refused: ${reply.message}`);
    closeSync(fd);
    return false;
  }
}

/** 0, or why it failed. */
function flushDescriptor(fd: number): Promise<number> {
  return new Promise((resolve) => {
    fdatasync(fd, (error) => resolve(error === null ? 0 : Math.abs(error.errno ?? EIO)));
  });
}

/** Throws PoolError. */
function listenAt({ address, tlsDirectory }: NbdListener): number {
  const parsed = parseAddress(address);
  try {
    if (tlsDirectory !== null) readTlsFiles(tlsDirectory);
    return parsed.kind === "unix" ? listenUnix(parsed.path) : listenTcp(parsed.host, parsed.port);
  } catch (error) {
    const message = `cannot listen at ${address}: ${(error as Error).message}`;
    throw new PoolError("bad-request", message, { cause: error });
  }
}

/**
 * The descriptor of an accepted connection, of which nothing was read, as one of our own. Node.js
 * shows it to nobody, but has had it at this place in all its versions.
 */
function takeDescriptor(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle: { fd: number } | null };
  const fd = duplicateFd(handle?.fd ?? -1, "an NBD client");
  socket.destroy();
  return fd;
}

function readWanted(path: string): NbdListener[] {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as NbdListener[];
  } catch {
    return []; // Nothing was exported beside the pool's own socket.
  }
}
