/**
 * TLS ends here, on the main thread: the front speaks NBD until STARTTLS, and after the handshake a
 * local connection to the worker goes on in the client's place.
 *
 *     client ==TLS== this thread --socket pair-- worker
 *
 * A client must show a certificate of our authority. The files are read for each connection, so
 * renewed ones count at once.
 */
import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import type { TLSSocket } from "node:tls";
import { GREETING_BYTES, TlsFront } from "@mortar/nbd";
import { socketPair } from "@mortar/linux";
import { log } from "./log.ts";

/** From the connection to the end of the TLS handshake. */
const HANDSHAKE_MS_MAX = 15_000;

/** Hands `fd` to the worker; false when it refuses. */
type Connect = (fd: number) => Promise<boolean>;

/** Throws when one of the files is missing. */
export function readTlsFiles(directory: string): { ca: Buffer; cert: Buffer; key: Buffer } {
  const read = (name: string): Buffer => readFileSync(join(directory, name));
  return {
    ca: read("ca-cert.pem"),
    cert: read("server-cert.pem"),
    key: read("server-key.pem"),
  };
}

/** Take a client that has just connected through the front, TLS, and to the worker. */
export function serveTls(client: Socket, tlsDirectory: string, connect: Connect): void {
  const front = new TlsFront();
  const overdue = setTimeout(() => client.destroy(), HANDSHAKE_MS_MAX);
  client.on("error", () => client.destroy());
  client.on("close", () => clearTimeout(overdue));
  const onData = (bytes: Buffer): void => {
    front.receive(bytes);
    const output = front.takeOutput();
    if (front.state === "plain") return void client.write(output);
    client.off("data", onData);
    if (front.state === "close") return void client.end(output);
    client.pause();
    client.write(output, () => {
      upgrade(client, tlsDirectory, (secure) => {
        clearTimeout(overdue);
        void joinWorker(secure, front.clientFlags, connect);
      });
    });
  };
  client.write(front.takeOutput());
  client.on("data", onData);
}

function upgrade(
  client: Socket,
  tlsDirectory: string,
  onSecure: (secure: TLSSocket) => void,
): void {
  try {
    const options = { ...readTlsFiles(tlsDirectory), requestCert: true, rejectUnauthorized: true };
    const server = createServer({ ...options, minVersion: "TLSv1.2" }, onSecure);
    server.on("tlsClientError", (error) => {
      log(`NBD: a client's TLS handshake failed: ${error.message}`);
      client.destroy();
    });
    server.emit("connection", client);
  } catch (error) {
    log(`NBD: no TLS with the files in ${tlsDirectory}: ${(error as Error).message}`);
    client.destroy();
  }
}

/** The client has had the greeting from the front: the worker's is swallowed. */
async function joinWorker(secure: TLSSocket, clientFlags: Uint8Array, connect: Connect): Promise<void> {
  secure.on("error", () => secure.destroy());
  const [near, far] = socketPair();
  const local = new Socket({ fd: near, readable: true, writable: true });
  local.on("error", () => local.destroy());
  secure.on("close", () => local.destroy());
  local.on("close", () => secure.destroySoon());
  if (!(await connect(far))) return void local.destroy();
  let skipped = 0;
  const skip = (bytes: Buffer): void => {
    const rest = bytes.subarray(Math.min(bytes.length, GREETING_BYTES - skipped));
    skipped += bytes.length - rest.length;
    if (skipped < GREETING_BYTES) return;
    local.off("data", skip);
    local.pause();
    if (rest.length > 0) local.unshift(rest);
    local.write(clientFlags);
    local.pipe(secure);
    secure.pipe(local);
  };
  local.on("data", skip);
}
