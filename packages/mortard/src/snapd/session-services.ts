/** What is spoken before the fops: DUMP, PING, SETVOLUME, as with a brick. */
import { randomUUID } from "node:crypto";
import {
  dumpReply, handshakePingReply, introduce, lockVersionReply, pingReply,
} from "@mortar/brick";
import {
  dump, handshakePing, ping, type Procedure, setLockVersion, setVolume,
} from "@mortar/gluster";
import { type RpcConnection, type RpcService, service } from "../glusterd/rpc-server.ts";
import type { Log } from "../log.ts";
import { Session } from "./session.ts";
import type { SnapdAccess } from "./snapd-spec.ts";

export function sessionServices(
  access: () => SnapdAccess, sessions: Map<RpcConnection, Session>, log: Log,
): RpcService[] {
  const identity = `snapd-${randomUUID()}`;
  return [
    verbatim(dump, dumpReply),
    verbatim(ping, pingReply),
    verbatim(handshakePing, handshakePingReply),
    verbatim(setLockVersion, lockVersionReply),
    verbatim(setVolume, (args, connection) => {
      const { remoteAddress: address, remotePort: port } = connection;
      // A directory of the volume that is mounted as its own tree has no snapshots of its own.
      const { newcomer, reply } = introduce(
        access().admission, identity, { address, port }, args, () => undefined,
      );
      if (newcomer === undefined) {
        log.warn({ from: address }, "a client was refused");
      } else if (!sessions.has(connection)) {
        const session = new Session();
        sessions.set(connection, session);
        connection.onClose(() => {
          sessions.delete(connection);
          void session.close();
        });
        log.info({ from: address, client: newcomer.identity }, "client");
      }
      return reply;
    }),
  ];
}

/** The reply as it is made elsewhere: encoded. */
function verbatim(
  procedure: Procedure<never, never> | Procedure<unknown, unknown>,
  answer: (args: Uint8Array, connection: RpcConnection) => Uint8Array,
): RpcService {
  const plain = {
    ...procedure,
    decodeRequest: (args: Uint8Array): unknown => args,
    encodeReply: (reply: unknown): Uint8Array => reply as Uint8Array,
  } as Procedure<unknown, unknown>;
  return service(plain, (args, connection) => answer(args as Uint8Array, connection));
}
