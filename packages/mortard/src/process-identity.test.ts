import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { argumentsOf, identify, isAlive, signal, waitForEnd } from "./process-identity.ts";

test("a process is itself until it ends, and its pid is nobody's afterwards", async () => {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  const identity = identify(child.pid ?? 0);
  assert.ok(identity);
  assert.ok(isAlive(identity));
  assert.equal(await waitForEnd(identity, 5), false);
  assert.ok(signal(identity, "SIGKILL"));
  assert.equal(await waitForEnd(identity, 5000), true);
  assert.equal(isAlive(identity), false);
  assert.equal(signal(identity, "SIGKILL"), false);
});

test("a process whose first thread has ended, and another has not, goes on", async () => {
  // syscall 60 is exit(2), of the thread that calls it alone.
  const program = "import ctypes,threading,time\nthreading.Thread(target=time.sleep,args=(60,)).start()\n" +
    "ctypes.CDLL(None).syscall(60,0)";
  const child = spawn("python3", ["-c", program], { stdio: "ignore" });
  const identity = identify(child.pid ?? 0)!;
  const state = () => /\) (\S)/.exec(readFileSync(`/proc/${identity.pid}/stat`, "latin1"))?.[1];
  while (state() !== "Z") await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(isAlive(identity), "its files are open");
  assert.ok(signal(identity, "SIGKILL"));
  assert.equal(await waitForEnd(identity, 5000), true);
});

test("the same pid with another start time is another process", () => {
  const self = identify(process.pid);
  assert.ok(self);
  assert.ok(isAlive(self));
  assert.equal(isAlive({ ...self, startTicks: "1" }), false);
  assert.equal(signal({ ...self, startTicks: "1" }, "SIGTERM"), false);
});

test("arguments are split where they were given, empty ones too", async () => {
  const child = spawn("sh", ["-c", "sleep 60", "", "two words"], { stdio: "ignore" });
  const words = argumentsOf(child.pid ?? 0);
  child.kill("SIGKILL");
  assert.deepEqual(words, ["sh", "-c", "sleep 60", "", "two words"]);
  assert.equal(argumentsOf(2 ** 22 + 1), undefined);
});
