/** `mortar webhook`: who is told of events by HTTP. */
import { parseArgs } from "node:util";
import type { WebhookInfo } from "@mortar/api";
import type { CliIo } from "../io.ts";
import { clientOf } from "./daemon.ts";
import { resultOf } from "./daemon-answer.ts";
import { type NodeContext, VerbError } from "./verb.ts";

const HELP = "mortar help webhook";

export async function webhook(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  const { values, positionals } = parsed(args);
  const [verb, name, url, ...more] = positionals;
  const client = clientOf(root);
  if (verb === "add" && name !== undefined && url !== undefined && more.length === 0) {
    const events = values.events?.split(",").map((it) => it.trim());
    const asked = { name, url, ...(events === undefined ? {} : { events }) };
    const made = resultOf(await client.webhookCreate(asked), io);
    io.stdout.write(values.json ? `${JSON.stringify(made)}\n` : `${made.secret}\n`);
    return 0;
  }
  if (verb === "list" && name === undefined) {
    const found = resultOf(await client.webhookList(), io);
    io.stdout.write(values.json ? `${JSON.stringify(found)}\n` : table(found));
    return 0;
  }
  if (verb === "delete" && name !== undefined && url === undefined) {
    resultOf(await client.webhookDelete(name), io);
    io.stdout.write(values.json ? `${JSON.stringify({ name })}\n` : `webhook delete: ${name}: success\n`);
    return 0;
  }
  if (verb === "test" && name !== undefined && url === undefined) {
    const tried = resultOf(await client.webhookTest(name), io);
    if (values.json) io.stdout.write(`${JSON.stringify(tried)}\n`);
    else if (tried.delivered) io.stdout.write(`webhook test: ${name}: delivered\n`);
    else io.stderr.write(`webhook test: ${name}: not delivered: ${tried.reason ?? "no answer"}\n`);
    return tried.delivered ? 0 : 1;
  }
  throw new VerbError("it takes add NAME URL, list, delete NAME or test NAME.", HELP);
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { events: { type: "string" }, json: { type: "boolean", default: false } },
    });
  } catch (error) {
    throw new VerbError((error as Error).message, HELP);
  }
}

function table(found: readonly WebhookInfo[]): string {
  if (found.length === 0) return "There are no webhooks: mortar webhook add NAME URL\n";
  const width = Math.max(...found.map((it) => it.name.length));
  return found.map(({ name, url, events }) =>
    `${name.padEnd(width)}  ${url}  ${events?.join(",") ?? "all events"}\n`).join("");
}
