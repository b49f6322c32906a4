/**
 * A guest that boots like a machine, with systemd, and lives through several starts: it is driven over a virtio port,
 * by scripts of bash, and can be cut off from power. QEMU's control socket (QMP) tells when it starts anew.
 */
import { spawn } from "node:child_process";
import { createConnection } from "node:net";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { AGENT_PORT } from "./boot-image.mjs";

/** @typedef {{ status: number, stdout: string, stderr: string }} Answer */

const CONNECT_MS_MAX = 20_000;
const ANSWER_SECONDS_MAX = 600;

export class BootGuest {
  #directory;
  #qemu;
  /** By name: `agent` takes scripts, `control` is QEMU's. */
  #sockets = new Map();
  /** @type {{ at: number, line: string }[]} */
  #lines = [];
  /** When QEMU told that the machine starts anew, in ms of this machine's clock. @type {number[]} */
  #resets = [];
  #ended = false;
  #complaint = "";

  /**
   * @param {string} directory @param {string} kernel @param {string} initrd @param {readonly string[]} disks
   * @param {number} [memoryMib]
   */
  constructor(directory, kernel, initrd, disks, memoryMib = 1536) {
    this.#directory = directory;
    const words = this.#words(kernel, initrd, disks);
    this.#qemu = spawn("qemu-system-x86_64", ["-m", String(memoryMib), ...words], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#qemu.stderr?.setEncoding("utf8").on("data", (text) => (this.#complaint += text));
    this.#qemu.once("close", () => (this.#ended = true));
    this.#qemu.once("error", (error) => (this.#complaint += error.message));
    process.once("exit", this.#kill);
  }

  /** Wait until the machine is up so far that it takes scripts. @param {number} seconds */
  async ready(seconds) {
    await this.#socket("agent");
    await this.#line((line) => line.startsWith("ready "), seconds);
  }

  /**
   * Run a script of bash in the guest, as root, below systemd.
   * @param {string} script @param {number} [seconds] @returns {Promise<Answer>}
   */
  async run(script, seconds = ANSWER_SECONDS_MAX) {
    this.#send(script);
    const words = (await this.#line((line) => line.startsWith("done "), seconds)).split(" ");
    const text = (/** @type {string | undefined} */ word) => Buffer.from(word ?? "", "base64").toString("utf8");
    return { status: Number(words[1]), stdout: words[2] === "-" ? "" : text(words[2]), stderr: text(words[3]) };
  }

  /** Power off and on: nothing is told to the guest. Its agent has to become ready again. */
  async powerCut() {
    this.#lines = [];
    const control = await this.#socket("control");
    control.write(`${JSON.stringify({ execute: "system_reset" })}\n`);
  }

  /**
   * Have it start anew in order. How long that took, until the machine began to start, in seconds.
   * @param {number} seconds at most
   */
  async reboot(seconds) {
    await this.#socket("control");
    this.#lines = [];
    const [before, begun] = [this.#resets.length, Date.now()];
    this.#send("systemctl reboot");
    await this.#until(() => this.#resets.length > before, seconds, "did not reboot");
    this.#lines = [];
    return ((this.#resets.at(-1) ?? NaN) - begun) / 1000;
  }

  /** The last lines of its console. */
  console(length = 4000) {
    return readFileSync(join(this.#directory, "console"), "latin1").slice(-length);
  }

  async close() {
    for (const socket of this.#sockets.values()) socket.destroy();
    if (!this.#ended) {
      this.#kill();
      await new Promise((resolve) => void this.#qemu.once("close", resolve));
    }
    process.off("exit", this.#kill);
  }

  #kill = () => {
    this.#qemu.kill("SIGKILL");
  };

  /** @param {string} script */
  #send(script) {
    this.#sockets.get("agent")?.write(`${Buffer.from(script).toString("base64")}\n`);
  }

  /** @param {(line: string) => boolean} wanted @param {number} seconds @returns {Promise<string>} */
  async #line(wanted, seconds) {
    let found = "";
    await this.#until(() => {
      const index = this.#lines.findIndex(({ line }) => wanted(line));
      if (index < 0) return false;
      found = this.#lines[index]?.line ?? "";
      this.#lines.splice(0, index + 1);
      return true;
    }, seconds, "did not answer");
    return found;
  }

  /** @param {() => boolean} isSo @param {number} seconds @param {string} otherwise */
  async #until(isSo, seconds, otherwise) {
    for (const end = Date.now() + seconds * 1000; !isSo(); await pause(50)) {
      if (this.#ended) throw new Error(`QEMU ended: ${this.#complaint}`);
      if (Date.now() > end) throw new Error(`the guest ${otherwise} in ${seconds} s:\n${this.console()}`);
    }
  }

  /** @param {"agent" | "control"} name */
  async #socket(name) {
    if (this.#sockets.has(name)) return this.#sockets.get(name);
    const socket = await this.#connect(name);
    if (name === "control") socket.write(`${JSON.stringify({ execute: "qmp_capabilities" })}\n`);
    this.#sockets.set(name, socket);
    return socket;
  }

  /** @param {"agent" | "control"} name */
  async #connect(name) {
    const path = join(this.#directory, `${name}.sock`);
    for (const end = Date.now() + CONNECT_MS_MAX; ; await pause(100)) {
      const socket = createConnection(path);
      const connected = await new Promise((resolve) => {
        socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      });
      if (connected) {
        createInterface({ input: socket }).on("line", (line) => this.#take(name, line));
        return socket;
      }
      if (this.#ended || Date.now() > end) throw new Error(`QEMU does not answer: ${this.#complaint}`);
    }
  }

  /** @param {"agent" | "control"} name @param {string} line */
  #take(name, line) {
    if (name === "agent") this.#lines.push({ at: Date.now(), line });
    else if (JSON.parse(line).event === "RESET") this.#resets.push(Date.now());
  }

  /** @param {string} kernel @param {string} initrd @param {readonly string[]} disks */
  #words(kernel, initrd, disks) {
    const at = (/** @type {string} */ name) => join(this.#directory, name);
    return [
      "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-nodefaults", "-display", "none",
      "-serial", `file:${at("console")}`,
      "-qmp", `unix:${at("control.sock")},server=on,wait=off`,
      "-device", "virtio-serial-pci",
      "-chardev", `socket,id=agent,path=${at("agent.sock")},server=on,wait=off`,
      "-device", `virtserialport,chardev=agent,name=${AGENT_PORT}`,
      "-kernel", kernel, "-initrd", initrd,
      "-append", "console=ttyS0 panic=-1 quiet systemd.show_status=1 random.trust_cpu=on",
      ...disks.flatMap((disk) => ["-drive", `file=${disk.replaceAll(",", ",,")},format=raw,if=virtio,cache=unsafe`]),
    ];
  }
}
