/**
 * A brick's spec from its volfile, which is the one truth about its options. See volfile-options.ts
 * for what becomes of each.
 */
import { parseBoolean, parseVolfile } from "@mortar/gluster";
import type { Volfile } from "@mortar/gluster";
import { DEFAULT_TLS } from "./options.ts";
import type { BrickOptions, TlsOptions } from "./options.ts";
import type { BrickAuthentication, BrickSpec, IgnoredOption } from "./spec.ts";
import { BrickError } from "./store/brick-directory.ts";
import {
  IGNORED, OPTION_MEMBERS, REFUSED, REFUSED_TRANSLATORS, STRUCTURAL, TRANSLATORS,
} from "./volfile-options.ts";

/** What a volfile does not say of a brick. */
export interface BrickPlace {
  readonly controlSocket: string;
  readonly address?: string;
  readonly port?: number;
  readonly nodeUuid?: string;
  readonly hostname?: string;
}

interface Setting {
  readonly translator: string;
  readonly key: string;
  readonly value: string;
}

/**
 * Throws GlusterError for a text that is no volfile; BrickError for a graph that is no brick's, for
 * a value that is none, and for a feature that is not served: it names the option.
 */
export function specOfVolfile(volfile: string, place: BrickPlace): BrickSpec {
  const graph = parseVolfile(volfile);
  checkTranslators(graph);
  const settings = settingsOf(graph);
  const need = (translator: string, key: string): string => {
    const found = valueOf(settings, translator, key);
    if (found === undefined) throw new BrickError(`brick volfile: ${translator} has no ${key}`);
    return found;
  };
  const path = need("storage/posix", "directory");
  const server = graph.translators.at(-1)!;
  const exportName = server.subvolumes[0];
  if (server.type !== "protocol/server" || exportName === undefined) {
    throw new BrickError("brick volfile: its top is no protocol/server");
  }
  const ignored: IgnoredOption[] = [];
  const options = optionsOf(settings, ignored);
  const posix = graph.translators[0]!.name;
  const listenPort = Number(valueOf(settings, "protocol/server", "transport.socket.listen-port"));
  const port = place.port ?? (Number.isInteger(listenPort) ? listenPort : undefined);
  const address = place.address ??
    valueOf(settings, "protocol/server", "transport.socket.bind-address");
  return {
    path, exportName,
    volume: posix.replace(/-posix$/, ""),
    volumeId: need("storage/posix", "volume-id"),
    controlSocket: place.controlSocket,
    ...(address === undefined ? {} : { address }),
    ...(port === undefined ? {} : { port }),
    authentication: authenticationOf(server.options, exportName),
    options: {
      ...options,
      checksAccess: has(graph, "features/access-control"),
      isArbiter: has(graph, "features/arbiter"),
      tls: tlsOf(settings),
      ...(place.nodeUuid === undefined ? {} : { nodeUuid: place.nodeUuid }),
      ...(place.hostname === undefined ? {} : { hostname: place.hostname }),
    },
    ignored,
  };
}

function has(graph: Volfile, type: string): boolean {
  return graph.translators.some((translator) => translator.type === type);
}

function checkTranslators(graph: Volfile): void {
  for (const { name, type } of graph.translators) {
    const feature = REFUSED_TRANSLATORS.get(type);
    if (feature !== undefined) refuse(feature);
    if (!TRANSLATORS.has(type)) {
      throw new BrickError(`brick volfile: volume ${name}: type ${type} is not known`);
    }
  }
}

function refuse(feature: string): never {
  throw new BrickError(
    `${feature} is on, which the built-in brick server does not serve: ` +
      "set it off, or mortar.brick-engine to glusterfsd",
  );
}

function settingsOf(graph: Volfile): readonly Setting[] {
  return graph.translators.flatMap(({ type, options }) =>
    Array.from(options, ([key, value]) => ({ translator: type, key, value })));
}

function valueOf(
  settings: readonly Setting[], translator: string, key: string,
): string | undefined {
  return settings.find((each) => each.translator === translator && each.key === key)?.value;
}

/** What a feature's option says when the feature is not there. */
const OFF_WORDS = new Set(["0", "none", ""]);

function optionsOf(
  settings: readonly Setting[], ignored: IgnoredOption[],
): Partial<BrickOptions> {
  refuseFeatures(settings);
  let options: Partial<BrickOptions> = {};
  for (const { translator, key, value } of settings) {
    const name = `${translator}:${key}`;
    if (REFUSED.has(name)) continue;
    if (STRUCTURAL.has(name) || isAuthentication(key) || isTls(key)) continue;
    const read = OPTION_MEMBERS.get(name);
    if (read === undefined) {
      const reason = IGNORED.get(name) ?? IGNORED.get(`${translator}:*`) ?? "it is not known";
      ignored.push({ option: name, value, reason });
      continue;
    }
    const members = read(value);
    if (members === undefined) {
      throw new BrickError(`brick volfile: ${translator}: ${key} cannot be "${value}"`);
    }
    options = { ...options, ...members };
  }
  return options;
}

/** In the table's order: one feature may switch another on. */
function refuseFeatures(settings: readonly Setting[]): void {
  for (const [name, feature] of REFUSED) {
    const [translator = "", key = ""] = name.split(":");
    const value = valueOf(settings, translator, key);
    if (value === undefined || parseBoolean(value) === false || OFF_WORDS.has(value)) continue;
    refuse(feature);
  }
}

function isAuthentication(key: string): boolean {
  return key.startsWith("auth.addr.") || key.startsWith("auth.login.");
}

const TLS_PREFIX = "transport.socket.ssl-";

function isTls(key: string): boolean {
  return key.startsWith(TLS_PREFIX);
}

function tlsOf(settings: readonly Setting[]): TlsOptions | null {
  const text = (key: string): string | undefined =>
    valueOf(settings, "protocol/server", `${TLS_PREFIX}${key}`);
  if (parseBoolean(text("enabled") ?? "off") !== true) return null;
  const depth = Number(text("cert-depth") ?? DEFAULT_TLS.verifyDepth);
  if (!Number.isInteger(depth) || depth < 0) {
    throw new BrickError(`brick volfile: ssl-cert-depth cannot be "${text("cert-depth")}"`);
  }
  return {
    certificateFile: text("own-cert") ?? DEFAULT_TLS.certificateFile,
    keyFile: text("private-key") ?? DEFAULT_TLS.keyFile,
    authorityFile: text("ca-list") ?? DEFAULT_TLS.authorityFile,
    revocationPath: text("crl-path") ?? DEFAULT_TLS.revocationPath,
    verifyDepth: depth,
    cipherList: text("cipher-list") ?? DEFAULT_TLS.cipherList,
    dhParameterFile: text("dh-param") ?? DEFAULT_TLS.dhParameterFile,
    ellipticCurve: text("ec-curve") ?? DEFAULT_TLS.ellipticCurve,
  };
}

/**
 *     auth.addr.EXPORT.allow, .reject   patterns of addresses; in allow, also /DIRECTORY(A|B)
 *     auth.login.EXPORT.allow           user names
 *     auth.login.EXPORT.ssl-allow       names of certificates
 *     auth.login.USER.password
 */
export function authenticationOf(
  options: ReadonlyMap<string, string>, exportName: string,
): BrickAuthentication {
  const list = (key: string): string[] | undefined =>
    options.get(key)?.split(",").map((each) => each.trim()).filter((each) => each !== "");
  const logins = (list(`auth.login.${exportName}.allow`) ?? []).flatMap((username) => {
    const password = options.get(`auth.login.${username}.password`);
    return password === undefined ? [] : [{ username, password }];
  });
  const reject = list(`auth.addr.${exportName}.reject`);
  const names = list(`auth.login.${exportName}.ssl-allow`);
  return {
    logins,
    allow: list(`auth.addr.${exportName}.allow`) ?? ["*"],
    ...(reject === undefined ? {} : { reject }),
    ...(names === undefined ? {} : { certificateNames: names }),
  };
}
