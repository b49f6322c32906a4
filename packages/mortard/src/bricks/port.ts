/** Finds a TCP port for a brick. */
import { type Server, createServer } from "node:net";

/**
 * The first port from `first` to `last` that nobody listens on at `address` and that is not in
 * `taken`. Undefined when there is none. The answer may be stale at once: glusterfsd fails then,
 * and the caller tries the next one.
 */
export async function freePort(
  address: string | undefined,
  first: number,
  last: number,
  taken: ReadonlySet<number>,
): Promise<number | undefined> {
  for (let port = first; port <= last; port += 1) {
    if (!taken.has(port) && (await canListen(address, port))) return port;
  }
  return undefined;
}

function canListen(address: string | undefined, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe: Server = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: address ?? "0.0.0.0", exclusive: true }, () => {
      probe.close(() => resolve(true));
    });
  });
}
