/** `mortar nbd export|unexport|list`: thin volumes for NBD clients. */
import { join, resolve } from "node:path";
import { isIP } from "node:net";
import { engineChoiceOf, splitLvPath, VolumeGroups, readDeviceFilter, readPlainFiles } from "@mortar/vg";
import type { LvName, NbdExportOfLv, NbdPlace } from "@mortar/vg";
import type { CliIo } from "../io.ts";
import { table } from "../table.ts";
import type { NodeContext } from "./verb.ts";
import { VerbError } from "./verb.ts";
import { poolPolicyOf } from "./pool-policy.ts";

/** The port that IANA gave to NBD. */
const NBD_PORT = 10_809;
const VALUES = ["--socket", "--listen", "--tls-certificates"];

interface Line {
  readonly verb: string;
  readonly operand: string | undefined;
  readonly values: ReadonlyMap<string, string>;
  readonly flags: ReadonlySet<string>;
}

export async function nbd(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  const line = parse(args);
  const isJson = line.flags.has("--json");
  const groups = await VolumeGroups.open({
    runDirectory: join(root, "run/mortar"),
    engine: engineChoiceOf(root),
    deviceFilter: readDeviceFilter(join(root, "etc/mortar/mortar.json")),
    files: readPlainFiles(join(root, "etc/mortar/mortar.json")),
    policy: poolPolicyOf(root),
    warn: (sentence) => io.stderr.write(`${sentence}\n`),
  });
  switch (line.verb) {
    case "export": {
      const exported = await groups.exportLv(nameOf(line), placeOf(line));
      io.stdout.write(isJson ? `${JSON.stringify(exported, null, 2)}\n` : `${exported.uris.at(-1)}\n`);
      return 0;
    }
    case "unexport":
      await groups.unexportLv(nameOf(line), addressOf(line));
      if (isJson) io.stdout.write(`${JSON.stringify(nameOf(line), null, 2)}\n`);
      return 0;
    default: {
      const exports = await groups.listExports(line.operand);
      if (isJson) io.stdout.write(`${JSON.stringify({ exports }, null, 2)}\n`);
      else io.stdout.write(listing(exports));
      return 0;
    }
  }
}

function parse(args: readonly string[]): Line {
  const [verb, ...rest] = args;
  const known: Readonly<Record<string, readonly string[]>> = {
    export: [...VALUES, "--plain", "--json"],
    unexport: ["--socket", "--listen", "--json"],
    list: ["--json"],
  };
  const options = verb === undefined ? undefined : known[verb];
  if (verb === undefined || options === undefined)
    throw new VerbError("say export, unexport or list.", "mortar help nbd");
  const values = new Map<string, string>();
  const flags = new Set<string>();
  const operands: string[] = [];
  for (let index = 0; index < rest.length; index++) {
    const [word, joined] = splitOption(rest[index]!);
    if (!word.startsWith("-")) operands.push(word);
    else if (!options.includes(word))
      throw new VerbError(`nbd ${verb} has no option ${word}.`, "mortar help nbd");
    else if (VALUES.includes(word)) values.set(word, joined ?? needed(rest[++index], word));
    else flags.add(word);
  }
  if (operands.length > 1) throw new VerbError(`${operands[1]} is one word too many.`);
  return { verb, operand: operands[0], values, flags };
}

function splitOption(word: string): [string, string | undefined] {
  const equals = word.indexOf("=");
  if (!word.startsWith("--") || equals < 0) return [word, undefined];
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function needed(value: string | undefined, option: string): string {
  if (value !== undefined && value !== "") return value;
  throw new VerbError(`${option} needs a value.`, "mortar help nbd");
}

function nameOf({ operand, verb }: Line): LvName {
  if (operand === undefined) throw new VerbError(`nbd ${verb} needs VG/LV.`, "mortar help nbd");
  const { vgName, lvName } = splitLvPath(operand);
  if (lvName !== undefined) return { vg: vgName, lv: lvName };
  throw new VerbError(`${operand} names no volume.`, `lvs -o vg_name,lv_name ${vgName}`);
}

/** An address in the pool's words. */
function addressOf({ values }: Line): string | undefined {
  const socket = values.get("--socket");
  const listen = values.get("--listen");
  if (socket !== undefined && listen !== undefined)
    throw new VerbError("--socket and --listen are two places: export twice.");
  if (socket !== undefined) return `unix:${resolve(socket)}`;
  if (listen === undefined) return undefined;
  if (isIP(listen) === 6) return `tcp:[${listen}]:${NBD_PORT}`;
  return /:\d+$/.test(listen) ? `tcp:${listen}` : `tcp:${listen}:${NBD_PORT}`;
}

function placeOf(line: Line): NbdPlace | undefined {
  const address = addressOf(line);
  const certificates = line.values.get("--tls-certificates");
  const isPlain = line.flags.has("--plain");
  const isTcp = address?.startsWith("tcp:") === true;
  if (!isTcp && (certificates !== undefined || isPlain))
    throw new VerbError("TLS, or --plain, is a matter of --listen.", "mortar help nbd");
  if (isTcp && isPlain === (certificates !== undefined)) {
    const sentence = "--listen needs --tls-certificates DIR, or --plain for a network you trust.";
    throw new VerbError(sentence, "mortar help nbd");
  }
  if (address === undefined) return undefined;
  return {
    address,
    tlsDirectory: certificates === undefined ? null : resolve(certificates),
  };
}

function listing(exports: readonly NbdExportOfLv[]): string {
  const rows = exports.flatMap(({ vg, lv, uris, connections }) =>
    uris.map((uri, index) => [
      index === 0 ? `${vg}/${lv}` : "",
      index === 0 ? String(connections) : "",
      uri,
    ]),
  );
  return table([["LV", "Clients", "URI"], ...rows]);
}
