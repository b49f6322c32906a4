import type { BrickOptions } from "./options.ts";

/** What a brick process is told, as plain JSON. */
export interface BrickSpec {
  /** The brick directory: absolute. */
  readonly path: string;
  /** The volume's name, for logs. */
  readonly volume: string;
  /** The id in its 36-character form. */
  readonly volumeId: string;
  /** Under which clients ask for the brick; default: its path. */
  readonly exportName?: string;
  /** The address to listen on; default: all. */
  readonly address?: string;
  /** A fixed port; default: the first free one from 49152 on. */
  readonly port?: number;
  /** A unix socket for its owner only. */
  readonly controlSocket: string;
  /** The process writes its pid there, before anything else. */
  readonly pidFile?: string;
  readonly authentication?: BrickAuthentication;
  /** What is not told is as in DEFAULT_OPTIONS. */
  readonly options?: Partial<BrickOptions>;
  /** For the log. */
  readonly ignored?: readonly IgnoredOption[];
}

export interface BrickAuthentication {
  /** Whoever presents one of these is let in. */
  readonly logins?: readonly { readonly username: string; readonly password: string }[];
  /**
   * Patterns of addresses ("10.0.*"); default: all may, unless rejected. One of a directory,
   * "/d(10.0.*|10.1.*)", is for mounts of just that; if there are any, "/" is one of them.
   */
  readonly allow?: readonly string[];
  readonly reject?: readonly string[];
  /** With TLS: common names of certificates; default: every one that is verified. */
  readonly certificateNames?: readonly string[];
}

/** An option of the volfile that has no effect here. */
export interface IgnoredOption {
  /** TRANSLATOR:OPTION */
  readonly option: string;
  readonly value: string;
  readonly reason: string;
}

/** Throws RangeError that names the member. */
export function checkSpec(value: unknown): BrickSpec {
  const spec = value as BrickSpec;
  const wrong = (member: string): never => {
    throw new RangeError(`brick spec: ${member} is missing or not valid`);
  };
  if (typeof value !== "object" || value === null) wrong("the object");
  if (typeof spec.path !== "string" || !spec.path.startsWith("/")) wrong("path");
  if (typeof spec.volume !== "string" || spec.volume === "") wrong("volume");
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(spec.volumeId ?? "")) wrong("volumeId");
  if (typeof spec.controlSocket !== "string") wrong("controlSocket");
  const { port } = spec;
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) wrong("port");
  return spec;
}
