/** `mortar token`: who may ask over the network. */
import { parseArgs } from "node:util";
import type { TokenInfo } from "@mortar/api";
import type { CliIo } from "../io.ts";
import { clientOf } from "./daemon.ts";
import { resultOf } from "./daemon-answer.ts";
import { type NodeContext, VerbError } from "./verb.ts";

const roles = ["viewer", "operator", "admin"] as const;

export async function token(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  const { values, positionals } = parsed(args);
  const [verb, name, ...more] = positionals;
  const client = clientOf(root);
  if (verb === "create" && name !== undefined && more.length === 0) {
    const role = roles.find((it) => it === values.role);
    if (role === undefined) throw new VerbError(`--role is one of ${roles.join(", ")}.`, HELP);
    const days = values.days === undefined ? {} : { days: wholeNumber(values.days) };
    const made = resultOf(await client.tokenCreate({ name, role, ...days }), io);
    io.stdout.write(values.json ? `${JSON.stringify(made)}\n` : `${made.token}\n`);
    return 0;
  }
  if (verb === "list" && name === undefined) {
    const found = resultOf(await client.tokenList(), io);
    io.stdout.write(values.json ? `${JSON.stringify(found)}\n` : table(found));
    return 0;
  }
  if (verb === "revoke" && name !== undefined && more.length === 0) {
    resultOf(await client.tokenRevoke(name), io);
    io.stdout.write(values.json ? `${JSON.stringify({ name })}\n` : `token revoke: ${name}: success\n`);
    return 0;
  }
  throw new VerbError("it takes create, list or revoke.", HELP);
}

const HELP = "mortar help token";

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        role: { type: "string" }, days: { type: "string" }, json: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new VerbError((error as Error).message, HELP);
  }
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new VerbError(`--days takes a whole number above 0, not ${text}.`, HELP);
}

function table(found: readonly TokenInfo[]): string {
  if (found.length === 0) return "There are no tokens: mortar token create NAME --role viewer\n";
  const width = Math.max(...found.map((it) => it.name.length));
  return found.map(({ name, role, createdBy, createdAtMs, expiresAtMs }) => {
    const until = expiresAtMs === undefined ? "" : `, until ${dateOf(expiresAtMs)}`;
    const made = `made ${dateOf(createdAtMs)} by ${createdBy}${until}`;
    return `${name.padEnd(width)}  ${role.padEnd(8)}  ${made}\n`;
  }).join("");
}

function dateOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
