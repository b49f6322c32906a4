/** The member of etcd that mortard left running when it died: see mortard's etcd/etcd-process.ts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runDirectoryOf } from "./daemon.ts";

/** Its pid, if it is still the process that was started. */
export function orphanEtcd(root: string): number[] {
  try {
    const [text = ""] = readFileSync(join(runDirectoryOf(root), "etcd.pid"), "latin1").split(" ");
    const pid = Number(text);
    if (!Number.isSafeInteger(pid) || pid <= 1) return [];
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return words.includes(join(root, "var/lib/mortar/etcd")) ? [pid] : [];
  } catch {
    return [];
  }
}
