/** Whether systemd runs the daemon of a node, and having it do so. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { INSTALL_MARK, UNIT_DIRECTORIES } from "./install-files.ts";
import { VerbError } from "./verb.ts";

const RUNNING = "/run/systemd/system";
const UNIT = "mortard.service";
const SYSTEMCTL_MS_MAX = 180_000;

/** True when this machine runs systemd, and a package or `mortar install` has units for this root. */
export function isSystemdNode(root: string): boolean {
  if (!existsSync(RUNNING)) return false;
  const file = UNIT_DIRECTORIES.map((it) => join("/", it, UNIT)).find((it) => existsSync(it));
  if (file === undefined) return false;
  const text = readFileSync(file, "utf8");
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
