/**
 * The thread that speaks TLS for a brick. It takes the connections of the brick's port, checks the
 * client's certificate, and passes the plain bytes on through a pair of sockets, whose other end it
 * gives to the brick's thread, with the address and the certificate's common name:
 *
 *     client ══TLS══ this thread ──socket pair── the brick's thread
 *                         └──── {"fd", "address", "port", "commonName"} a line ────┘
 *
 * So a brick without TLS has nothing of it, and with it the work of the cipher is on a core of its
 * own; it costs two copies and two system calls a direction. A failure of this thread that concerns
 * all ends the process: a brick that nobody can reach must not look alive.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import type { DetailedPeerCertificate, TlsOptions as ServerOptions, TLSSocket } from "node:tls";
import { parentPort, workerData } from "node:worker_threads";
import { socketPair } from "@mortar/linux";
import type { TlsOptions } from "../options.ts";
import { RecordCutter } from "./record-cutter.ts";
import type { TlsSetup } from "./tls-front.ts";

const HANDSHAKE_MS_MAX = 20_000;
const CERTIFICATE =
  /-----BEGIN [A-Z ]*CERTIFICATE-----[^]*?-----END [A-Z ]*CERTIFICATE-----/g;
const KEEP_ALIVE_MS = 20_000;
const STANDARD_ERROR = 2;
const { listener, notifyFd, options } = workerData as TlsSetup;
const notify = new Socket({ fd: notifyFd, readable: true, writable: true });
notify.on("error", fail);
process.on("uncaughtException", fail);

try {
  const server = createServer(serverOptions(options), welcome);
  // One client that fails is no matter for the others.
  server.on("tlsClientError", (error, socket) => {
    log(`TLS: ${socket.remoteAddress ?? "a client"}: ${error.message}`);
  });
  server.on("error", fail);
  server.listen({ fd: listener }, () => parentPort!.postMessage({}, []));
} catch (error) {
  parentPort!.postMessage({ error: (error as Error).message }, []);
}

function serverOptions(tls: TlsOptions): ServerOptions {
  const crl = revocations(tls.revocationPath);
  return {
    cert: readFileSync(tls.certificateFile),
    key: readFileSync(tls.keyFile),
    ca: authorities(tls.authorityFile),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: HANDSHAKE_MS_MAX,
    ecdhCurve: tls.ellipticCurve,
    ...(tls.cipherList === "" ? {} : { ciphers: tls.cipherList, honorCipherOrder: true }),
    ...(existsSync(tls.dhParameterFile) ? { dhparam: readFileSync(tls.dhParameterFile) } : {}),
    ...(crl.length === 0 ? {} : { crl }),
  };
}

/** Node.js takes one certificate a text. */
function authorities(file: string): string[] {
  const text = readFileSync(file, "latin1");
  const found = text.match(CERTIFICATE);
  if (found === null) throw new Error(`${file}: no certificate of an authority is in it`);
  return found;
}

/** A file, or a directory of files. */
function revocations(path: string): Buffer[] {
  if (path === "" || !existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [readFileSync(path)];
  return readdirSync(path).map((name) => readFileSync(join(path, name)));
}

function welcome(secure: TLSSocket): void {
  const certificate = secure.getPeerCertificate(true);
  const depth = depthOf(certificate);
  if (depth > options.verifyDepth) {
    log(`TLS: ${secure.remoteAddress}: its chain of certificates is ${depth} deep`);
    secure.destroy();
    return;
  }
  const [near, far] = socketPair();
  const plain = new Socket({ fd: near, readable: true, writable: true });
  const line = {
    fd: far, address: secure.remoteAddress ?? "", port: secure.remotePort ?? 0,
    commonName: certificate.subject?.CN ?? "",
  };
  secure.setNoDelay(true);
  secure.setKeepAlive(true, KEEP_ALIVE_MS);
  joinStreams(secure, plain);
  notify.write(`${JSON.stringify(line)}\n`);
}

/** The end of one is the end of the other. */
function joinStreams(secure: TLSSocket, plain: Socket): void {
  secure.pipe(plain);
  sendRecords(plain, secure);
  for (const [socket, other] of [[secure, plain], [plain, secure]] as const) {
    socket.on("error", () => other.destroy());
    socket.on("close", () => other.destroy());
  }
}

/** One write for a record, and the next one behind it: Node.js would join what waits. */
function sendRecords(plain: Socket, secure: TLSSocket): void {
  const cutter = new RecordCutter();
  const waiting: Uint8Array[] = [];
  let isWriting = false;
  const next = (): void => {
    const piece = waiting.shift();
    isWriting = piece !== undefined;
    if (piece === undefined) plain.resume();
    else secure.write(piece, next);
  };
  plain.on("data", (chunk: Buffer) => {
    waiting.push(...cutter.cut(chunk));
    plain.pause();
    if (!isWriting) next();
  });
}

/** Authorities between the client's certificate and the one that is trusted. */
function depthOf(certificate: DetailedPeerCertificate): number {
  const seen = new Set<string>();
  let at = certificate;
  while (at?.fingerprint256 !== undefined && !seen.has(at.fingerprint256)) {
    seen.add(at.fingerprint256);
    at = at.issuerCertificate;
  }
  return Math.max(seen.size - 2, 0);
}

/** Standard error of a thread goes through the main thread, which is never idle. */
function log(line: string): void {
  writeSync(STANDARD_ERROR, `${new Date().toISOString()} ${line}\n`);
}

function fail(error: Error): void {
  log(`TLS: ${error.message}: the brick stops`);
  process.kill(process.pid, "SIGKILL");
}
