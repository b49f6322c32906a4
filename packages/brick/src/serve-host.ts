/**
 * The process of one brick, confined from its first instruction on (see brick-host.ts, which
 * becomes this program):
 *
 *     node serve-host.js LISTENER CONTROL-LISTENER PORT LANDLOCK-VERSION PID-FILE SPEC.json SOCKET
 *
 * PID-FILE is a descriptor, or -1; whoever finds the file empty knows that the brick was told to end.
 * SOCKET, the control socket's path, is there for tools that look for it in the words of a brick.
 *
 * It prints what goes wrong on standard error. It may be killed at any time: see Entries.
 */
import { ftruncateSync, readFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { releaseProgramPages } from "@mortar/linux";
import { Brick } from "./brick.ts";
import { BrickServer } from "./server/brick-server.ts";
import { controlAnswers } from "./server/control-answers.ts";
import { Dispatcher } from "./server/dispatch.ts";
import { TlsFront } from "./server/tls-front.ts";
import { HealthCheck } from "./store/health-check.ts";
import { Workers } from "./server/workers.ts";
import { setOwner } from "./reconfigure.ts";
import { checkSpec } from "./spec.ts";
import { Call } from "./wire/call.ts";
import { allocate } from "./wire/memory.ts";

const log = (line: string): void => {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`);
};

async function main(): Promise<void> {
  const [numbers, file] = [process.argv.slice(2, 7).map(Number), process.argv[7]];
  const [listener, controlListener, port, landlockVersion, pidFile] = numbers as [
    number, number, number, number, number,
  ];
  if (file === undefined) throw new Error("serve-host.js is started by brick-host.js");
  const spec = checkSpec(JSON.parse(readFileSync(file, "utf8")));
  process.umask(0);
  const workers = new Workers();
  await workers.start();
  const call = new Call(allocate(64));
  const brick = new Brick(spec, workers, call);
  setOwner(spec.path, brick.options);
  for (const { option, value, reason } of spec.ignored ?? []) {
    log(`option ${option} ${value} has no effect: ${reason}`);
  }
  const identity = `${hostname()}-${process.pid}-${randomUUID()}`;
  const dispatcher = new Dispatcher(
    (client) => server.connectionOf(client), brick, call, identity, log,
  );
  if (landlockVersion === 0) log("the kernel has no Landlock: files outside are not out of reach");
  const health = new HealthCheck(workers, brick.options, performance.now());
  const tls = brick.options.tls && (await TlsFront.start(listener, brick.options.tls));
  const server: BrickServer = new BrickServer({
    brick, dispatcher, controlListener, tls: tls ?? undefined,
    listener: tls === null ? listener : undefined,
    control: controlAnswers(brick, dispatcher, () => server, port),
    terminate: (path) => {
      if (path !== spec.path) return false;
      if (pidFile >= 0) ftruncateSync(pidFile);
      log("is told to end");
      return true;
    },
    tick: (nowMs) => {
      brick.space.check(nowMs);
      brick.upcalls.expire(nowMs);
      dispatcher.settleLeases();
      dispatcher.answerHeld(brick.barrier.expire(nowMs));
      brick.drain.expire(nowMs);
      dispatcher.settleLocks();
      const failure = health.check(nowMs);
      if (failure === undefined) return;
      log(`${spec.path}: ${failure}: the brick stops`);
      process.exit(1);
    },
  });
  log(`serves ${spec.path} of volume ${spec.volume} on port ${port}`);
  releaseProgramPages();
  server.run();
  brick.close();
  log("ends");
  process.exit(0);
}

main().catch((error: unknown) => {
  log(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
