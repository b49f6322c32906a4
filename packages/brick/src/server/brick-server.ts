/**
 * The brick's one thread: it waits for sockets, serves what came, and sends the replies of a batch
 * at once. It never leaves this loop: so no promise, timer or signal handler of Node.js runs in it.
 */
import { closeSync } from "node:fs";
import {
  Acceptor, EAGAIN, Epoll, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, tuneConnection,
} from "@mortar/linux";
import type { Brick } from "../brick.ts";
import { admits } from "./admission.ts";
import type { Client } from "./client.ts";
import { Connection } from "./connection.ts";
import { ControlConnection } from "./control-connection.ts";
import type { ControlRequest } from "./control-connection.ts";
import type { Terminate } from "./tool-requests.ts";
import type { Dispatcher } from "./dispatch.ts";
import type { ConnectedPeer } from "./handshake.ts";
import { connectionKey } from "./newcomers.ts";
import type { TlsFront } from "./tls-front.ts";

const LISTENER = 0;
const CONTROL_LISTENER = 1;
const WORKERS = 2;
const TLS_FRONT = 3;
const FIRST_CONNECTION = 16;
const TICK_MS = 1000;
/** So long a tool that had the brick end may take to read that. */
const END_MS_MAX = 5_000;

export interface BrickServerSetup {
  readonly brick: Brick;
  readonly dispatcher: Dispatcher;
  /** Undefined: connections come by TLS. */
  readonly listener: number | undefined;
  readonly tls?: TlsFront | undefined;
  readonly controlListener: number;
  readonly control: ControlRequest;
  /** A tool of GlusterFS wants the brick to end: it does so when the tool has gone. */
  readonly terminate: Terminate;
  /** Called about once a second. */
  readonly tick: (nowMs: number) => void;
}

export class BrickServer {
  readonly #setup: BrickServerSetup;
  readonly #epoll = new Epoll();
  readonly #acceptor = new Acceptor();
  readonly #connections: (Connection | ControlConnection | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #byClient = new Map<number, Connection>();
  /** By the client process that it is of, see `connectionKey`. */
  readonly #byProcess = new Map<string, Connection>();
  #stopping = false;
  #endsAtMs = Number.POSITIVE_INFINITY;
  #acceptingPaused = false;

  constructor(setup: BrickServerSetup) {
    this.#setup = setup;
    setup.dispatcher.arrived = (client) => this.#welcome(client);
    if (setup.listener !== undefined) this.#epoll.add(setup.listener, EPOLLIN, LISTENER);
    if (setup.tls !== undefined) this.#epoll.add(setup.tls.fd, EPOLLIN, TLS_FRONT);
    this.#epoll.add(setup.controlListener, EPOLLIN, CONTROL_LISTENER);
    this.#epoll.add(setup.brick.workers.wakeFd, EPOLLIN, WORKERS);
  }

  get clients(): readonly Connection[] {
    return this.#connections.filter((each): each is Connection => each instanceof Connection);
  }

  connectionOf(client: number): Connection | undefined {
    return this.#byClient.get(client);
  }

  /** Until `stop` was called. */
  run(): void {
    const { patience } = this.#setup.brick;
    let tickedAt = 0;
    let lookedAt = 0;
    while (!this.#stopping) {
      if (patience.hasWaited) lookedAt = performance.now();
      const count = this.#epoll.wait(TICK_MS);
      const now = performance.now();
      patience.look(count === 1 ? this.#epoll.token(0) : -1, now, now - lookedAt);
      if (now - tickedAt >= TICK_MS) {
        tickedAt = now;
        this.#setup.tick(now);
        if (now >= this.#endsAtMs) this.stop();
        if (this.#acceptingPaused) this.#resumeAccepting();
      }
      for (let index = 0; index < count; index++) {
        this.#ready(this.#epoll.token(index), this.#epoll.events(index));
      }
    }
    for (const connection of this.#connections) {
      if (connection !== undefined) this.#close(connection);
    }
  }

  stop(): void {
    this.#stopping = true;
  }

  #ready(token: number, events: number): void {
    if (token >= FIRST_CONNECTION) {
      const connection = this.#connections[token - FIRST_CONNECTION];
      if (connection instanceof Connection) this.#serve(connection, events);
      else if (connection !== undefined) this.#control(connection);
    } else if (token === WORKERS) {
      const { brick, dispatcher } = this.#setup;
      brick.workers.collect((waiting, result) => {
        const connection = dispatcher.resume(waiting, result);
        if (connection !== undefined && !connection.isClosed && connection.goOn()) {
          this.#serve(connection, EPOLLOUT);
        }
      });
      dispatcher.settleLocks();
      dispatcher.settleLeases();
    } else if (token === TLS_FRONT) {
      for (const { fd, peer } of this.#setup.tls!.take()) this.#enter(fd, peer);
    } else {
      this.#accept(token === CONTROL_LISTENER);
    }
  }

  #serve(connection: Connection, events: number): void {
    const { dispatcher } = this.#setup;
    let lives = true;
    if ((events & EPOLLOUT) !== 0) {
      lives = connection.sendQueued();
      if (lives && !connection.isPaused) lives = connection.serveKept(dispatcher.serve);
    }
    if (lives && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) !== 0 && !connection.isPaused) {
      lives = connection.receive(dispatcher.serve);
    }
    // What was served is answered, even if the end came behind it.
    lives = dispatcher.finish(connection) && lives;
    if (!lives) this.#close(connection);
    dispatcher.settleLocks();
    dispatcher.settleLeases();
  }

  #pauseAccepting(): void {
    this.#acceptingPaused = true;
    this.#watchListeners(0);
  }

  #resumeAccepting(): void {
    this.#acceptingPaused = false;
    this.#watchListeners(EPOLLIN);
  }

  #watchListeners(events: number): void {
    const { listener, controlListener } = this.#setup;
    if (listener !== undefined) this.#epoll.modify(listener, events, LISTENER);
    this.#epoll.modify(controlListener, events, CONTROL_LISTENER);
  }

  #control(connection: ControlConnection): void {
    const { control, terminate } = this.#setup;
    const lives = connection.serve(control, terminate);
    if (!lives) this.#close(connection);
    if (!connection.hasTerminated) return;
    if (lives) this.#endsAtMs = Math.min(this.#endsAtMs, performance.now() + END_MS_MAX);
    else this.stop();
  }

  #accept(isControl: boolean): void {
    const { listener, controlListener } = this.#setup;
    for (;;) {
      const fd = this.#acceptor.accept(isControl ? controlListener : listener!);
      if (fd < 0) {
        // Out of descriptors: who waits, waits; asking at once again would only burn the processor.
        if (fd !== -EAGAIN) this.#pauseAccepting();
        return;
      }
      if (!isControl) {
        this.#enter(fd, this.#acceptor.peer());
        continue;
      }
      const token = this.#freeToken();
      this.#connections[token - FIRST_CONNECTION] = new ControlConnection(fd, token);
      this.#epoll.add(fd, EPOLLIN, token);
    }
  }

  #enter(fd: number, peer: ConnectedPeer): void {
    const { options } = this.#setup.brick;
    tuneConnection(fd, options);
    const token = this.#freeToken();
    this.#connections[token - FIRST_CONNECTION] =
      new Connection(fd, token, peer, this.#epoll, () => options.outstandingMax);
    this.#epoll.add(fd, EPOLLIN, token);
  }

  #freeToken(): number {
    return this.#free.pop() ?? this.#connections.length + FIRST_CONNECTION;
  }

  /** Its older connections are dead, and so are the locks that they held. */
  #welcome(client: Client): void {
    const key = client.newcomer && connectionKey(client.newcomer);
    if (key !== undefined) {
      const older = this.#byProcess.get(key);
      if (older !== undefined) this.disconnect(older);
      this.#byProcess.set(key, client.connection);
    }
    this.#byClient.set(client.id, client.connection);
  }

  /** Options of the transport have changed. */
  retune(): void {
    for (const { fd } of this.clients) tuneConnection(fd, this.#setup.brick.options);
  }

  /** Who may come in has changed: clients that may not any more have to go. */
  admitAnew(): void {
    const { brick } = this.#setup;
    for (const { client, connection } of this.#introduced()) {
      const applicant = client.newcomer?.applicant;
      if (applicant === undefined) continue;
      const isWelcome = admits(
        brick.spec.authentication, brick.options.allowsInsecurePorts, applicant,
      );
      if (!isWelcome) this.disconnect(connection);
    }
  }

  #introduced(): { readonly client: Client; readonly connection: Connection }[] {
    return Array.from(this.#byClient.values(), (connection) =>
      ({ client: connection.client!, connection }));
  }

  /** Another connection of the same client process has come, or its leave has been taken. */
  disconnect(connection: Connection): void {
    if (!connection.isClosed) this.#close(connection);
  }

  #close(connection: Connection | ControlConnection): void {
    this.#epoll.remove(connection.fd);
    closeSync(connection.fd);
    this.#connections[connection.token - FIRST_CONNECTION] = undefined;
    this.#free.push(connection.token);
    if (!(connection instanceof Connection)) return;
    connection.isClosed = true;
    const { client } = connection;
    if (client === undefined) return;
    this.#byClient.delete(client.id);
    const key = client.newcomer && connectionKey(client.newcomer);
    if (key !== undefined && this.#byProcess.get(key) === connection) this.#byProcess.delete(key);
    client.close(this.#setup.brick);
  }
}
