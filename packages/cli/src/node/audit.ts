/** `mortar audit`: what was changed through this node, and by whom. */
import { parseArgs } from "node:util";
import type { AuditEntry } from "@mortar/api";
import type { CliIo } from "../io.ts";
import { clientOf } from "./daemon.ts";
import { resultOf } from "./daemon-answer.ts";
import { type NodeContext, VerbError } from "./verb.ts";

const LIMIT_DEFAULT = 50;

export async function audit(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  const { limit, json } = parsed(args);
  const found = resultOf(await clientOf(root).auditList({ limit }), io).toReversed();
  if (json) io.stdout.write(`${JSON.stringify(found)}\n`);
  else for (const entry of found) io.stdout.write(line(entry));
  return 0;
}

function parsed(args: readonly string[]): { limit: number; json: boolean } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { limit: { type: "string" }, json: { type: "boolean", default: false } },
    });
    const limit = Number(values.limit ?? LIMIT_DEFAULT);
    if (Number.isInteger(limit) && limit > 0) return { limit, json: values.json };
  } catch (error) {
    throw new VerbError((error as Error).message, "mortar help audit");
  }
  throw new VerbError("--limit takes a whole number above 0.", "mortar help audit");
}

function line({ timeMs, who, role, from, route, path, asked, status }: AuditEntry): string {
  const time = new Date(timeMs).toISOString().slice(0, 19).replace("T", " ");
  const by = role === undefined ? who : `${who} (${role})`;
  const what = asked === undefined ? path : `${path} ${JSON.stringify(asked)}`;
  return `${time}  ${status}  ${by} from ${from}: ${route} ${what}\n`;
}
