/**
 * Runs in the guest: many command lines of Mortar in one process, because a guest without hardware
 * virtualisation needs seconds to start one. Each line of standard input is a list of words:
 *
 *     ["lvs","-a","vg"]                          prints what the command prints
 *     ["!kill","message-queued","lvcreate",…]    dies by SIGKILL when the command has come that far
 *     (an empty line)                            the end
 *
 * A command that fails is told by a line "! CODE: WORDS", and the rest is left undone; the code is
 * the agent's own then.
 */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { VolumeGroups } from "@mortar/vg";

// Not a public face of that package, hence by its path.
const { runLvm } = await import("/mortar/node_modules/@mortar/cli/dist/lvm/index.js");
const io = { stdout: process.stdout, stderr: process.stderr, stdin: Readable.from([]) };

/** @param {string} step at which this process dies */
async function mortalGroups(step) {
  return await VolumeGroups.open({
    runDirectory: "/run/mortar",
    deviceFilter: (path) => /^\/dev\/vd[a-z]$/.test(path),
    warn: (sentence) => console.error(sentence),
    step: (reached) => {
      if (reached === step) process.kill(process.pid, "SIGKILL");
    },
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line === "") break;
  const words = JSON.parse(line);
  const [step, [tool, ...args]] = words[0] === "!kill" ? [words[1], words.slice(2)] : ["", words];
  const context = step === "" ? {} : { groups: await mortalGroups(step) };
  const code = await runLvm(tool, args, io, { root: undefined, ...context });
  if (code === 0) continue;
  console.log(`! ${code}: ${words.join(" ")}`);
  process.exit(code);
}
process.exit(0);
