/** `mortar up`: brings this node back to work. Every step may be repeated. */
import type { CliIo } from "../io.ts";
import { bringBack } from "./bring-back.ts";
import { nodeStatusOf, startDaemon } from "./daemon.ts";
import { checkOptions, type NodeContext, VerbError } from "./verb.ts";

export async function up(
  args: readonly string[],
  io: CliIo,
  { root }: NodeContext,
): Promise<number> {
  checkOptions(args, "up", ["--no-daemon"]);
  const running = await nodeStatusOf(root);
  const failures = await bringBack(root, io);
  if (!args.includes("--no-daemon")) {
    const status = running ?? (await startDaemon(root));
    const state = running === undefined ? "started" : "runs already";
    const { pid, host, address, glusterPort } = status;
    io.tell?.({ mortard: { pid, host, address, glusterPort, isStarted: running === undefined } });
    io.stdout.write(
      `mortard ${state}: pid ${pid}, ${host}, port ${glusterPort} on ${address}\n`,
    );
  }
  if (failures.length === 0) return 0;
  throw new VerbError(
    `not all came back.\n${failures.map((line) => `  ${line}`).join("\n")}`,
    "give back what is missing (losetup for a disk in a file), then: mortar up",
  );
}
