import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isAlive, waitForEnd } from "./daemon.ts";

test("a process lives until its last thread has ended: what it holds would be busy", async () => {
  // syscall 60 is exit(2), of the thread that calls it alone.
  const program = "import ctypes,threading,time\nthreading.Thread(target=time.sleep,args=(60,)).start()\n" +
    "ctypes.CDLL(None).syscall(60,0)";
  const child = spawn("python3", ["-c", program], { stdio: "ignore" });
  const pid = child.pid ?? 0;
  const state = () => /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1];
  while (state() !== "Z") await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(isAlive(pid));
  child.kill("SIGKILL");
  assert.equal(await waitForEnd(pid, 5000), true);
});
