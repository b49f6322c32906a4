/**
 * Mortar itself for the guest: Node.js, the built packages of this tree, koffi, and the libraries
 * that these are linked with. `mortar WORDS …` in the guest is the command line of this tree.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @typedef {import("./cpio.mjs").CpioArchive} CpioArchive */

const TREE = join(dirname(fileURLToPath(import.meta.url)), "../..");
const FORMATS = ["binary", "lvm2", "fuse", "nbd", "thin", "api"];
const PACKAGES = [...FORMATS, "linux", "dm", "pool", "vg", "cli"];
const FOREIGN = ["koffi", "@koromix/koffi-linux-x64"];
const HOME = "/mortar";

/** The program that runs the tests runs Mortar in the guest too. */
export const NODE = process.execPath;

/**
 * Takes its commands from standard input. Loading Node.js and the packages takes most of the time,
 * so that the process for the next call is started with this one; `--start` starts the first. What
 * it prints and its exit code, also that of a kill, go through files.
 */
const AGENT = `#!/bin/sh
launch() {
  mkdir -p /run/agent/$1 && mkfifo /run/agent/$1/in
  setsid sh -c "cd /run/agent/$1; ${NODE} ${HOME}/agent.mjs <>in >out 2>err
echo \\$? >code.new; mv code.new code" </dev/null >/dev/null 2>&1 &
}
if [ "$1" = --start ]; then echo 0 >/run/agent.next; launch 0; exit; fi
number=$(cat /run/agent.next)
launch $((number + 1))
echo $((number + 1)) >/run/agent.next
cd /run/agent/$number
{ cat; echo; } >in
while [ ! -e code ]; do sleep 0.1; done
cat out; cat err >&2
exit $(cat code)
`;

/** @param {CpioArchive} archive */
export function addMortar(archive) {
  for (const name of PACKAGES) {
    const source = join(TREE, "packages", name);
    const target = `${HOME}/node_modules/@mortar/${name}`;
    archive.file(`${target}/package.json`, readFileSync(join(source, "package.json")));
    addTree(archive, join(source, "dist"), `${target}/dist`, /(?<!\.test)\.js$/);
  }
  for (const name of FOREIGN) {
    const source = realpathSync(join(TREE, "node_modules", name));
    addTree(archive, source, `${HOME}/node_modules/${name}`, /\.(js|cjs|mjs|json|node)$/);
  }
  const main = `${HOME}/node_modules/@mortar/cli/dist/main.js`;
  archive.file("/usr/bin/mortar", `#!/bin/sh\nexec ${NODE} ${main} "$@"\n`);
  const agent = join(dirname(fileURLToPath(import.meta.url)), "guest-agent.mjs");
  archive.file(`${HOME}/agent.mjs`, readFileSync(agent));
  archive.file("/usr/bin/mortar-agent", AGENT);
}

/** The whole built tree with what it depends on, but for what is for developers. @param {string} target */
export function copyMortarTree(target) {
  const packages = readdirSync(join(TREE, "packages"));
  for (const name of packages) {
    const source = join(TREE, "packages", name);
    if (!existsSync(join(source, "dist"))) continue;
    mkdirSync(join(target, "packages", name), { recursive: true });
    copyFileSync(join(source, "package.json"), join(target, "packages", name, "package.json"));
    cpSync(join(source, "dist"), join(target, "packages", name, "dist"), {
      recursive: true,
      filter: (path) => !/\.(test\.js|sim\.js|map|d\.ts|tsbuildinfo)$/.test(path),
    });
  }
  copyFileSync(join(TREE, "package.json"), join(target, "package.json"));
  cpSync(join(TREE, "node_modules"), join(target, "node_modules"), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !/node_modules\/(\.bin|\.cache|@types|@oxlint[^/]*|@typescript|typescript|oxlint[^/]*)(\/|$)/.test(path),
  });
}

/**
 * @param {CpioArchive} archive @param {string} source @param {string} target
 * @param {RegExp} names
 */
function addTree(archive, source, target, names) {
  for (const entry of readdirSync(source, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !names.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    archive.file(`${target}${path.slice(source.length)}`, readFileSync(path));
  }
}
