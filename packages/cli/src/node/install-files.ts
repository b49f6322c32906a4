/**
 * What `mortar install` puts onto a machine with systemd, as text.
 *
 * Two units, for they are stopped for different reasons. `mortar.service` is disks, logical volumes
 * and their file systems: up once the machine's own file systems are there, down before those go.
 * `mortard.service` is the daemon, which may end and start at any time. Neither ends with its unit
 * what it started: pools, bricks and mounts live in the units' control groups, and must outlive a
 * daemon that is restarted. So systemd is to signal the main process only, and never to kill.
 *
 * A pool that is still in use at the very end, when systemd kills what is left, is spared: its
 * processes have an argv[0] that begins with @ (systemd: ROOT_STORAGE_DAEMONS).
 */
import { DAEMON_NODE_OPTIONS } from "./daemon-options.ts";

export interface Installation {
  /** Where the node keeps its files. */
  readonly root: string;
  /** Absolute paths of Node.js, and of the two programs. */
  readonly node: string;
  readonly mortar: string;
  readonly mortard: string;
  /** Part of a package: where those of /etc come before them, and with a group for the socket. */
  readonly packaged?: boolean;
}

export interface InstalledFile {
  /** Below the prefix. */
  readonly path: string;
  readonly text: string;
}

/** First line of every file, by which `mortar uninstall` knows its own. */
export const INSTALL_MARK = "# Made by `mortar install`.";

/** Below these, whose files systemd reads in this order. */
export const UNIT_DIRECTORIES = ["etc/systemd/system", "usr/lib/systemd/system"] as const;

/** Members may use the node's socket, where the package's mortar.json is as it came. */
const PACKAGE_GROUP = "mortar";

export function installedFiles(it: Installation): readonly InstalledFile[] {
  const [own, packages] = UNIT_DIRECTORIES;
  const units = it.packaged === true ? packages : own;
  const settings = it.packaged === true ? "usr/lib" : "etc";
  return [
    { path: `${units}/mortar.service`, text: storageUnit(it) },
    { path: `${units}/mortard.service`, text: daemonUnit(it) },
    { path: `${settings}/tmpfiles.d/mortar.conf`, text: temporaryFiles(it) },
    { path: `${settings}/modules-load.d/mortar.conf`, text: `${INSTALL_MARK}\nloop\nfuse\n` },
  ];
}

/**
 * `Before=remote-fs-pre.target`: mounts of GlusterFS clients of this machine come after it, and at
 * a shutdown go before it. `SuccessExitStatus=1`: when a disk is missing, the rest is up, and is to
 * be taken down in order; a unit that failed would not be stopped. The journal has what is missing.
 */
function storageUnit({ root, node, mortar }: Installation): string {
  const program = [node, mortar, ...rootWords(root)].map(word).join(" ");
  const command = (words: string) => `${program} ${words}`;
  return `${INSTALL_MARK}
[Unit]
Description=Mortar: logical volumes and their file systems
Documentation=man:lvm(8)
After=local-fs.target systemd-modules-load.service systemd-tmpfiles-setup.service
Wants=remote-fs-pre.target
Before=remote-fs-pre.target
RequiresMountsFor=${pathWord(mortar)}${root === "/" ? "" : ` ${pathWord(root)}`}

[Service]
Type=oneshot
RemainAfterExit=yes
SuccessExitStatus=1
ExecStart=${command("up --no-daemon")}
ExecStop=${command("down")}
TimeoutStartSec=10min
TimeoutStopSec=10min
${servesStorage}

[Install]
WantedBy=multi-user.target
`;
}

/** Whoever ends it in order, as `mortar down` does, wants it to stay down: it ends with 0 then. */
function daemonUnit({ root, node, mortard }: Installation): string {
  return `${INSTALL_MARK}
[Unit]
Description=Mortar: GlusterFS volumes of this node
After=mortar.service network-online.target
Wants=mortar.service network-online.target remote-fs-pre.target
Before=remote-fs-pre.target
Conflicts=glusterd.service

[Service]
Type=exec
ExecStart=${[node, ...DAEMON_NODE_OPTIONS, mortard, ...rootWords(root, "always")].map(word).join(" ")}
Restart=always
RestartPreventExitStatus=0
RestartSec=500ms
TimeoutStopSec=2min
${servesStorage}

[Install]
WantedBy=multi-user.target
`;
}

const servesStorage = `KillMode=process
SendSIGKILL=no
OOMPolicy=continue
OOMScoreAdjust=-900
TasksMax=infinity
LimitNOFILE=1048576`;

function temporaryFiles({ root, packaged }: Installation): string {
  const ofSocket = packaged === true ? `0710 root ${PACKAGE_GROUP}` : "0700 root root";
  const at = (path: string) => `${root === "/" ? "" : root}${path}`.replaceAll("%", "%%");
  return [
    INSTALL_MARK,
    `d "${at("/run/mortar")}" ${ofSocket} -`,
    `d "${at("/run/gluster")}" 0755 root root -`,
    `d "${at("/run/lock/lvm")}" 0700 root root -`,
    "",
  ].join("\n");
}

function rootWords(root: string, when: "needed" | "always" = "needed"): string[] {
  return root === "/" && when === "needed" ? [] : ["--root", root];
}

/** One word of a command line of systemd: quoted where needed, `%` and `$` as themselves. */
function word(text: string): string {
  const plain = text.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[\w@%+=:,./$-]+$/.test(plain)) return plain;
  return `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** A path in a list that blanks separate. */
function pathWord(text: string): string {
  return word(text).replaceAll("$$", "$");
}
