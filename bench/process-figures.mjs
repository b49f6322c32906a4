/** What another process has used. */
import { readFileSync } from "node:fs";
import { allocatePages, bind } from "../packages/linux/dist/index.js";

/** clock_getcpuclockid(3): the scheduler's time of all threads of a process, ended ones too. */
const clockOf = (pid) => (~pid << 3) | 2;
const clockGetTime = bind("int clock_gettime(int clock, uintptr_t time)");
const TICKS = 100;
const time = allocatePages(16);
const view = new DataView(time.bytes.buffer, time.bytes.byteOffset, 16);

/** Seconds on all processors so far, exact to the nanosecond. */
export function cpuSecondsOf(pid) {
  if (clockGetTime(clockOf(pid), time.address) !== 0) throw new Error(`process ${pid} has ended`);
  return Number(view.getBigInt64(0, true)) + Number(view.getBigInt64(8, true)) / 1e9;
}

/** What of it was in the kernel, in seconds, exact to a tick of a hundredth. */
export function kernelSecondsOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return Number(fields[12]) / TICKS;
}

/** MiB of memory: all that it has in use, and what of it no other process shares. */
export function memoryOf(pid) {
  const text = readFileSync(`/proc/${pid}/status`, "latin1");
  const of = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)[1]) / 1024;
  return { resident: of("VmRSS"), own: of("RssAnon") };
}

/** Seconds that all processors of the machine together have been at work, and that they have been there. */
export function machineSeconds() {
  const [user, nice, system, idle, wait, irq, softirq, stolen] =
    /^cpu +(.*)$/m.exec(readFileSync("/proc/stat", "latin1"))[1].split(" ").map((ticks) => Number(ticks) / TICKS);
  const busy = user + nice + system + irq + softirq;
  return { busy, all: busy + idle + wait + stolen };
}
