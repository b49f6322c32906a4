/**
 * Who asks: the login of the process at the other end of the unix socket.
 *
 * The socket is root's alone, so the uid of the caller says little. The login uid of its process
 * stays what it was through su and sudo. Without one (a service, a container) there is only what
 * the caller states, and that is recorded as stated.
 */
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { loginUid, peerCredentials } from "@mortar/linux";

export interface Operator {
  readonly name: string;
  /** Nothing vouches for the name. */
  readonly stated: boolean;
}

/** The name of the login; undefined: there is none. */
export type AskLogin = () => Promise<string | undefined>;

/** A string is why not. */
export async function operatorOf(
  askLogin: AskLogin,
  stated: string | undefined,
): Promise<Operator | string> {
  const login = await askLogin();
  if (login === undefined) {
    if (stated !== undefined) return { name: stated, stated: true };
    return "No login of yours is known: say who you are with --operator NAME.";
  }
  if (stated === undefined || stated === login) return { name: login, stated: false };
  return `You are logged in as ${login}, and not as ${stated}.`;
}

export async function loginOf(socket: Socket): Promise<string | undefined> {
  const fd = descriptorOf(socket);
  if (fd === undefined) return undefined;
  const { pid, uid } = peerCredentials(fd);
  const login = (await loginUid(pid)) ?? (uid === 0 ? undefined : uid);
  return login === undefined ? undefined : await nameOfUser(login);
}

/** Node tells it in no documented way; a request that was injected has none. */
function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } };
  return handle?.fd === undefined || handle.fd < 0 ? undefined : handle.fd;
}

async function nameOfUser(uid: number): Promise<string> {
  const users = await readFile("/etc/passwd", "utf8").catch(() => "");
  const line = users.split("\n").find((it) => it.split(":")[2] === String(uid));
  return line?.split(":")[0] ?? `uid ${uid}`;
}
