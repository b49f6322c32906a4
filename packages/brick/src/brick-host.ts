/**
 * The process of one brick:
 *
 *     node brick-host.js SPEC.json
 *
 * It prints what goes wrong on standard error. It may be killed at any time: see Entries.
 */
import { readFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { listenTcp, listenUnix } from "@mortar/linux";
import { BRICK_PORT_FIRST, BRICK_PORT_LAST } from "@mortar/gluster";
import { isErrno } from "@mortar/linux";
import { Brick } from "./brick.ts";
import { BrickServer } from "./server/brick-server.ts";
import { controlAnswers } from "./server/control-answers.ts";
import { Dispatcher } from "./server/dispatch.ts";
import { HealthCheck } from "./store/health-check.ts";
import { Workers } from "./server/workers.ts";
import { checkSpec } from "./spec.ts";
import type { BrickSpec } from "./spec.ts";
import { Call } from "./wire/call.ts";
import { allocate } from "./wire/memory.ts";

const log = (line: string): void => {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`);
};

async function main(): Promise<void> {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error("usage: brick-host.js SPEC.json");
  const spec = checkSpec(JSON.parse(readFileSync(file, "utf8")));
  process.umask(0);
  const workers = new Workers();
  await workers.start();
  const call = new Call(allocate(64));
  const brick = new Brick(spec, workers, call);
  const identity = `${hostname()}-${process.pid}-${randomUUID()}`;
  const dispatcher = new Dispatcher(
    (client) => server.connectionOf(client), brick, call, identity, log,
  );
  const { fd: listener, port } = listen(spec);
  const controlListener = listenUnix(spec.controlSocket);
  const health = new HealthCheck(log);
  const server: BrickServer = new BrickServer({
    brick, dispatcher, listener, controlListener,
    control: controlAnswers(brick, dispatcher, () => server, port),
    tick: (nowMs) => {
      brick.space.check(nowMs);
      dispatcher.answerHeld(brick.barrier.expire(nowMs));
      if (!health.check(nowMs)) process.exit(1);
    },
  });
  server.run();
  brick.close();
  process.exit(0);
}

/** A fixed port, or the first free one. */
function listen(spec: BrickSpec): { readonly fd: number; readonly port: number } {
  const address = spec.address ?? "0.0.0.0";
  if (spec.port !== undefined) return { fd: listenTcp(address, spec.port), port: spec.port };
  for (let port = BRICK_PORT_FIRST; port <= BRICK_PORT_LAST; port++) {
    try {
      return { fd: listenTcp(address, port), port };
    } catch (error) {
      if (!isErrno(error, "EADDRINUSE")) throw error;
    }
  }
  throw new Error(`${address}: no port from ${BRICK_PORT_FIRST} to ${BRICK_PORT_LAST} is free`);
}

main().catch((error: unknown) => {
  log(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
