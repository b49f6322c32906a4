/**
 * The brick's one thread: it waits for sockets, serves what came, and sends the replies of a batch
 * at once. It never leaves this loop: so no promise, timer or signal handler of Node.js runs in it.
 */
import { closeSync } from "node:fs";
import {
  Acceptor, EAGAIN, Epoll, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, tuneConnection,
} from "@mortar/linux";
import type { Brick } from "../brick.ts";
import { Connection } from "./connection.ts";
import { ControlConnection } from "./control-connection.ts";
import type { ControlRequest } from "./control-connection.ts";
import type { Dispatcher } from "./dispatch.ts";

const LISTENER = 0;
const CONTROL_LISTENER = 1;
const WORKERS = 2;
const FIRST_CONNECTION = 16;
const TICK_MS = 1000;

export interface BrickServerSetup {
  readonly brick: Brick;
  readonly dispatcher: Dispatcher;
  readonly listener: number;
  readonly controlListener: number;
  readonly control: ControlRequest;
  /** Called about once a second. */
  readonly tick: (nowMs: number) => void;
}

export class BrickServer {
  readonly #setup: BrickServerSetup;
  readonly #epoll = new Epoll();
  readonly #acceptor = new Acceptor();
  readonly #connections: (Connection | ControlConnection | undefined)[] = [];
  readonly #free: number[] = [];
  #stopping = false;
  #acceptingPaused = false;

  constructor(setup: BrickServerSetup) {
    this.#setup = setup;
    this.#epoll.add(setup.listener, EPOLLIN, LISTENER);
    this.#epoll.add(setup.controlListener, EPOLLIN, CONTROL_LISTENER);
    this.#epoll.add(setup.brick.workers.wakeFd, EPOLLIN, WORKERS);
  }

  get clients(): readonly Connection[] {
    return this.#connections.filter((each): each is Connection => each instanceof Connection);
  }

  connectionOf(client: number): Connection | undefined {
    return this.clients.find((each) => each.client?.id === client);
  }

  /** Until `stop` was called. */
  run(): void {
    let tickedAt = 0;
    while (!this.#stopping) {
      const count = this.#epoll.wait(TICK_MS);
      const now = performance.now();
      if (now - tickedAt >= TICK_MS) {
        tickedAt = now;
        this.#setup.tick(now);
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
      brick.workers.collect((request, result) => dispatcher.resume(request, result));
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
  }

  #pauseAccepting(): void {
    this.#acceptingPaused = true;
    this.#epoll.modify(this.#setup.listener, 0, LISTENER);
    this.#epoll.modify(this.#setup.controlListener, 0, CONTROL_LISTENER);
  }

  #resumeAccepting(): void {
    this.#acceptingPaused = false;
    this.#epoll.modify(this.#setup.listener, EPOLLIN, LISTENER);
    this.#epoll.modify(this.#setup.controlListener, EPOLLIN, CONTROL_LISTENER);
  }

  #control(connection: ControlConnection): void {
    if (!connection.serve(this.#setup.control)) this.#close(connection);
  }

  #accept(isControl: boolean): void {
    const { listener, controlListener } = this.#setup;
    for (;;) {
      const fd = this.#acceptor.accept(isControl ? controlListener : listener);
      if (fd < 0) {
        // Out of descriptors: who waits, waits; asking at once again would only burn the processor.
        if (fd !== -EAGAIN) this.#pauseAccepting();
        return;
      }
      const token = this.#free.pop() ?? this.#connections.length + FIRST_CONNECTION;
      if (isControl) {
        this.#connections[token - FIRST_CONNECTION] = new ControlConnection(fd, token);
      } else {
        tuneConnection(fd);
        const peer = this.#acceptor.peer();
        this.#connections[token - FIRST_CONNECTION] = new Connection(fd, token, peer, this.#epoll);
      }
      this.#epoll.add(fd, EPOLLIN, token);
    }
  }

  #close(connection: Connection | ControlConnection): void {
    this.#epoll.remove(connection.fd);
    closeSync(connection.fd);
    this.#connections[connection.token - FIRST_CONNECTION] = undefined;
    this.#free.push(connection.token);
    if (!(connection instanceof Connection)) return;
    connection.isClosed = true;
    connection.client?.close(this.#setup.brick);
  }
}
