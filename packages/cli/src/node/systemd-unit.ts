/** Whether systemd runs the daemon of a node, and having it do so. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { INSTALL_MARK } from "./install-files.ts";
import { VerbError } from "./verbs.ts";

const RUNNING = "/run/systemd/system";
const UNIT_FILE = "/etc/systemd/system/mortard.service";
const UNIT = "mortard.service";
const SYSTEMCTL_MS_MAX = 180_000;

/** True when this machine runs systemd, and `mortar install` was done for this root. */
export function isSystemdNode(root: string): boolean {
  if (!existsSync(RUNNING) || !existsSync(UNIT_FILE)) return false;
  const text = readFileSync(UNIT_FILE, "utf8");
  const start = text.split("\n").find((line) => line.startsWith("ExecStart=")) ?? "";
  return text.startsWith(INSTALL_MARK) && start.endsWith(` --root ${root}`);
}

/** Throws VerbError with what systemctl said. */
export function startBySystemd(): void {
  const run = spawnSync("systemctl", ["start", UNIT], {
    encoding: "utf8",
    timeout: SYSTEMCTL_MS_MAX,
  });
  if (run.status === 0) return;
  const reason = run.error?.message ?? run.stderr.trim();
  throw new VerbError(`systemctl start ${UNIT}: ${reason}`, `journalctl -u ${UNIT}`);
}
