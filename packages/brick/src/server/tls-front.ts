/** The brick's side of its TLS thread: see tls-host.ts. */
import { Worker } from "node:worker_threads";
import { EAGAIN, socketIo, socketPair } from "@mortar/linux";
import type { TlsOptions } from "../options.ts";
import { allocate } from "../wire/memory.ts";
import type { ConnectedPeer } from "./handshake.ts";

export interface TlsSetup {
  readonly listener: number;
  readonly notifyFd: number;
  readonly options: TlsOptions;
}

/** A connection whose certificate is verified; the bytes of its descriptor are plain. */
export interface SecureConnection {
  readonly fd: number;
  readonly peer: ConnectedPeer & { readonly commonName: string };
}

const RECEIVED_BYTES = 16_384;

export class TlsFront {
  /** Readable when connections have come. */
  readonly fd: number;
  readonly #received = allocate(RECEIVED_BYTES);
  #text = "";

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Takes the listening descriptor over. Rejects when a certificate is missing or wrong. */
  static async start(listener: number, options: TlsOptions): Promise<TlsFront> {
    const [near, far] = socketPair();
    const setup: TlsSetup = { listener, notifyFd: far, options };
    const thread = new Worker(new URL("./tls-host.js", import.meta.url), { workerData: setup });
    await new Promise<void>((resolve, reject) => {
      thread.once("error", reject);
      thread.once("message", ({ error }: { error?: string }) => {
        if (error === undefined) resolve();
        else reject(new Error(`TLS: ${error}`));
      });
    });
    thread.unref();
    return new TlsFront(near);
  }

  /** Those that have come since the last call. */
  take(): SecureConnection[] {
    const io = socketIo();
    for (;;) {
      const count = io.receive(this.fd, this.#received.address, RECEIVED_BYTES);
      if (count === -EAGAIN) break;
      if (count <= 0) throw new Error("the TLS thread is gone");
      this.#text += Buffer.from(this.#received.bytes.buffer, 0, count).toString("utf8");
    }
    const lines = this.#text.split("\n");
    this.#text = lines.pop() ?? "";
    return lines.map((line) => {
      const { fd, ...peer } = JSON.parse(line) as { fd: number } & SecureConnection["peer"];
      return { fd, peer };
    });
  }
}
