/** A call to another node's peer port whose request and answer are streams of bytes. */
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import type { Readable } from "node:stream";
import type { NodeTls } from "./node-tls.ts";
import { identityError, type PeerAddress } from "./peer-client.ts";
import { PeerError } from "./peer-error.ts";

const CONNECT_MS_MAX = 3_000;
const SAID_MAX = 4096;

export interface PeerStreamCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable | undefined;
  readonly localAddress: string | undefined;
}

/** Rejects with `PeerError`. Nothing is said to a node that is not the one of this uuid. */
export function openPeerStream(
  tls: NodeTls, address: PeerAddress, uuid: string, call: PeerStreamCall,
): Promise<IncomingMessage> {
  const { key, certificate: cert, authority } = tls.material;
  const place = `${address.host}:${address.port}`;
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...address, path: call.path, method: "POST", key, cert, ca: authority ?? [],
      minVersion: "TLSv1.2", rejectUnauthorized: true, agent: false, headers: call.headers,
      ...(call.localAddress === undefined ? {} : { localAddress: call.localAddress }),
      checkServerIdentity: (_host, shown) => identityError({ uuid }, shown),
    });
    const timer = setTimeout(() => outgoing.destroy(new Error("no connection")), CONNECT_MS_MAX);
    outgoing.once("close", () => clearTimeout(timer));
    outgoing.on("error", (error) => {
      call.body?.destroy();
      const unreachable = new PeerError("unreachable", `${place} does not answer: ${error.message}`);
      reject(error instanceof PeerError ? error : unreachable);
    });
    outgoing.once("response", (incoming) => {
      if (incoming.statusCode === 200) return resolve(incoming);
      wordsOf(incoming).then((said) => reject(new PeerError("refused", said)), reject);
    });
    outgoing.once("socket", (socket) => {
      socket.setKeepAlive(true, 2_000);
      socket.once("secureConnect", () => {
        clearTimeout(timer);
        if (call.body === undefined) {
          outgoing.end();
          return;
        }
        outgoing.flushHeaders();
        call.body.pipe(outgoing);
        // Whoever sends is gone before the end.
        call.body.once("close", () => {
          if (!outgoing.writableEnded) outgoing.destroy(new Error("cut off"));
        });
      });
    });
  });
}

async function wordsOf(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of incoming) if (text.length < SAID_MAX) text += String(part);
  try {
    return (JSON.parse(text) as { readonly message?: string }).message ?? text;
  } catch {
    return `HTTP ${incoming.statusCode ?? 0}`;
  }
}
